from django.apps import AppConfig


class CommerceConfig(AppConfig):
    name = "commerce"
    verbose_name = "Commerce: parties, money, promises"
    default_auto_field = "django.db.models.BigAutoField"
