"""All addresses of the site."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from orders.api_v2.views import api_v2
from panel import metrics, probes, webhooks

# Staff sign in where customers do, so that a second factor and rate limits apply to them too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("", include("panel.web.urls")),
    path("api/v2", api_v2, name="api-v2"),
    path("api/v2/", api_v2),
    path("webhooks/stripe/", webhooks.stripe, name="webhooks-stripe"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
