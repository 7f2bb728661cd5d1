"""The refund policy engine: documents, facts, decisions and proofs. Pure Python; imports no Django.

* `facts`: the closed vocabulary by which an order is judged;
* `document` and `loader`: what a policy says, read from one TOML document, or every problem that it has;
* `engine.decide`: policy, facts and amounts in, a verdict out; `wording.sentence` puts it in words;
* `quoting`: what can be refunded, said before an order is placed or canceled;
* `abuse.reasons`: what is too much about a customer's requests;
* `page.build`: the public page; `analysis.prove`: the proof.
"""
