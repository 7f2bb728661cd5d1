"""Addresses of the pages."""

from django.urls import path

from panel.web import (
    api_keys,
    balance,
    canceling,
    catalog,
    contact,
    deposits,
    ordering,
    orders,
    time_zone,
    tickets,
    withdrawals,
    withdrawing,
)

urlpatterns = [
    path("", catalog.catalog, name="catalog"),
    path("refund-policy/", catalog.refund_policy, name="refund-policy"),
    path("refund-policy/<int:version_id>/", catalog.refund_policy_version, name="refund-policy-version"),
    path("orders/", orders.index, name="orders"),
    path("orders/new/", ordering.new, name="order-new"),
    path("orders/new/quote/", ordering.quote, name="order-quote"),
    path("orders/<int:order_id>/", orders.order, name="order"),
    path("orders/<int:order_id>/cancel/", canceling.cancel, name="order-cancel"),
    path("balance/", balance.balance, name="balance"),
    path("balance/add/", deposits.add, name="deposit-add"),
    path("balance/add/<uuid:key>/", deposits.deposit, name="deposit"),
    path("balance/deposits/", deposits.index, name="deposits"),
    path("balance/withdraw/", withdrawing.new, name="withdraw"),
    path("balance/withdraw/quote/", withdrawing.quote, name="withdraw-quote"),
    path("balance/withdrawals/", withdrawals.index, name="withdrawals"),
    path("balance/withdrawals/<int:number>/", withdrawals.withdrawal, name="withdrawal"),
    path("balance/withdrawals/<int:number>/cancel/", withdrawals.cancel, name="withdrawal-cancel"),
    path("balance/withdrawals/<int:number>/agree/", withdrawals.agree, name="withdrawal-agree"),
    path("balance/withdrawals/<int:number>/give-up/", withdrawals.give_up, name="withdrawal-give-up"),
    path("support/", tickets.index, name="tickets"),
    path("support/new/", tickets.new, name="ticket-new"),
    path("support/<int:ticket_id>/", tickets.ticket, name="ticket"),
    path("support/<int:ticket_id>/reply/", tickets.reply, name="ticket-reply"),
    path("support/<int:ticket_id>/settle/", tickets.settle, name="ticket-settle"),
    path("contact/", contact.contact, name="contact"),
    path("settings/api/", api_keys.index, name="api-keys"),
    path("settings/api/<int:key_id>/revoke/", api_keys.revoke, name="api-key-revoke"),
    path("settings/time-zone/", time_zone.choose, name="time-zone"),
]
