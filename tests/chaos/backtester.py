"""A worker that carries out the backtests that wait, as the task does: `python -m tests.chaos.backtester`.

Nothing in it dies by itself: the test holds a lock that it waits for and kills it there.
"""

import django


def main() -> None:
    from refunds import tasks  # noqa: PLC0415 - after django.setup()

    tasks.carry_out_backtests()


if __name__ == "__main__":
    django.setup()
    main()
