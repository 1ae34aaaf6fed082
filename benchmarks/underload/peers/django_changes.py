"""The ten changes as Django's migrations."""

INITIAL = """from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Branch",
            [
                ("id", models.IntegerField(primary_key=True)),
                ("name", models.CharField(max_length=50)),
            ],
            {"db_table": "branches"},
        ),
        migrations.CreateModel(
            "Account",
            [
                ("id", models.IntegerField(primary_key=True)),
                ("balance", models.IntegerField()),
                (
                    "branch",
                    models.ForeignKey(
                        "bank.Branch", models.DO_NOTHING, db_constraint=False, db_index=False
                    ),
                ),
                ("region", models.IntegerField(null=True)),
                ("code", models.CharField(max_length=20, null=True)),
                ("owner", models.CharField(max_length=50, null=True)),
                ("note", models.CharField(max_length=50, null=True)),
                ("nick", models.CharField(max_length=50, null=True)),
                ("legacy", models.CharField(max_length=50, null=True)),
            ],
            {"db_table": "accounts"},
        ),
    ]
"""
MIGRATION = """from django.db import migrations, models
{imports}

class Migration(migrations.Migration):
    {atomic}dependencies = [("bank", "0001_initial")]
    operations = [
        {operation}
    ]
"""
_UNIQUE = 'models.UniqueConstraint(fields=["code"], name="accounts_code")'
_CHECK = 'models.CheckConstraint(condition=models.Q(region__gte=0), name="accounts_region")'
_INDEX = 'models.Index(fields=["region"], name="accounts_region")'

PLAIN = {
    "add-column": 'migrations.AddField("account", "extra",'
    " models.CharField(max_length=50, null=True))",
    "add-default": 'migrations.AddField("account", "status", models.IntegerField(db_default=0))',
    "drop-column": 'migrations.RemoveField("account", "legacy")',
    "rename-column": 'migrations.RenameField("account", "nick", "nickname")',
    "index": f'migrations.AddIndex("account", {_INDEX})',
    "unique": f'migrations.AddConstraint("account", {_UNIQUE})',
    # Only the constraint: an index is a change of its own here.
    "foreign-key": 'migrations.AlterField("account", "branch",'
    ' models.ForeignKey("bank.Branch", models.DO_NOTHING, db_index=False))',
    "check": f'migrations.AddConstraint("account", {_CHECK})',
    "not-null": 'migrations.AlterField("account", "owner", models.CharField(max_length=50))',
    "widen-type": 'migrations.AlterField("account", "note",'
    " models.CharField(max_length=100, null=True))",
}
# Those for which django-pg-migration-tools has an operation of its own. Its one for foreign keys
# adds the column too, so that on a column that exists Django's has to do.
SAFER = {
    "index": f'operations.SaferAddIndexConcurrently("account", {_INDEX})',
    "unique": f'operations.SaferAddUniqueConstraint("account", {_UNIQUE})',
    "check": f'operations.SaferAddCheckConstraint("account", {_CHECK})',
    "not-null": 'operations.SaferAlterFieldSetNotNull("account", "owner",'
    " models.CharField(max_length=50))",
}


def migration(operation: str) -> str:
    """Return a migration with one operation."""
    safer = operation.startswith("operations.")
    return MIGRATION.format(
        operation=f"{operation},",
        imports="from django_pg_migration_tools import operations\n" if safer else "",
        atomic="atomic = False\n    " if safer else "",  # they say so
    )
