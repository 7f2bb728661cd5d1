"""Every order has a category, and it stays as agreed at placement like all else."""

from django.db import migrations, models

WHEN = """
        (pg_trigger_depth() = 0 AND (OLD.refunded <> NEW.refunded OR OLD.recognized <> NEW.recognized))
        OR OLD.charge <> NEW.charge OR OLD.charge_promo <> NEW.charge_promo OR OLD.rate <> NEW.rate
        OR OLD.quantity <> NEW.quantity OR OLD.terms <> NEW.terms OR OLD.link <> NEW.link
        OR OLD.policy_version <> NEW.policy_version OR OLD.customer_id <> NEW.customer_id
        OR OLD.service_id <> NEW.service_id"""
TRIGGER = """
DROP TRIGGER orders_money_is_frozen ON orders_order;
CREATE TRIGGER orders_money_is_frozen BEFORE UPDATE ON orders_order FOR EACH ROW
    WHEN ({when})
    EXECUTE FUNCTION orders_money_is_frozen();
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0004_fill_order_category")]

    operations = [
        migrations.AlterField("order", "category", models.BigIntegerField(verbose_name="number of the category")),
        migrations.RunSQL(
            TRIGGER.format(when=f"{WHEN} OR OLD.category <> NEW.category"),
            TRIGGER.format(when=WHEN),
        ),
    ]
