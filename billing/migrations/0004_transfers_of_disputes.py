"""Transfers may be of disputes. The new rules count for new rows at once; 0005 checks the old ones without a lock."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_disputes")]

    operations = [
        migrations.RemoveConstraint(model_name="transfer", name="transfer_kind_known"),
        migrations.AlterField(
            model_name="transfer",
            name="kind",
            field=models.CharField(choices=[('order_placed', 'Order placed'), ('order_delivered', 'Order delivered'), ('order_refund', 'Order refund'), ('adjustment', 'Adjustment by staff'), ('deposit', 'Funds added'), ('withdrawal_opened', 'Withdrawal'), ('withdrawal_returned', 'Withdrawal not sent'), ('withdrawal_paid', 'Withdrawal paid'), ('withdrawal_reversed', 'Withdrawal came back'), ('gateway_refund', 'Refund to your payment method'), ('debt_settled', 'Debt settled'), ('dispute_held', 'Held for a payment dispute'), ('dispute_returned', 'Payment dispute: given back'), ('dispute_lost', 'Payment dispute: paid to the bank'), ('dispute_reinstated', 'Payment dispute: paid back by the bank'), ('dispute_fee', 'Fee for a payment dispute'), ('dispute_fee_returned', 'Fee for a payment dispute given back')], max_length=30),
        ),
        AddConstraintNotValid(
            model_name="transfer",
            constraint=models.CheckConstraint(condition=models.Q(("kind__in", ['order_placed', 'order_delivered', 'order_refund', 'adjustment', 'deposit', 'withdrawal_opened', 'withdrawal_returned', 'withdrawal_paid', 'withdrawal_reversed', 'gateway_refund', 'debt_settled', 'dispute_held', 'dispute_returned', 'dispute_lost', 'dispute_reinstated', 'dispute_fee', 'dispute_fee_returned'])), name="transfer_kind_known"),
        ),
        AddConstraintNotValid(
            model_name="transfer",
            constraint=models.CheckConstraint(condition=models.Q(models.Q(("kind__in", ("dispute_held", "dispute_returned", "dispute_lost", "dispute_reinstated", "dispute_fee", "dispute_fee_returned")), _negated=True), models.Q(("customer__isnull", False), ("deposit__isnull", False)), _connector="OR"), name="transfer_of_a_dispute_names_its_deposit"),
        ),
    ]
