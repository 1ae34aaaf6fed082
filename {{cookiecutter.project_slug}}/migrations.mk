# The migration commands as make targets. To use them in another project with Alembic, copy this file
# and add `include migrations.mk` to its Makefile (or run `make -f migrations.mk`). Some targets also
# need the package alembic-starter, and print how to install it.

# PYTHON is taken from the command line or a Makefile, not from the environment.
ifneq ($(filter undefined environment,$(origin PYTHON)),)
PYTHON = $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)
endif
ALEMBIC ?= $(PYTHON) -m alembic
MIGRATOR ?= $(PYTHON) -m migrator
# The configuration for deploys; all other targets use alembic.ini.
PROD_INI ?= alembic_prod.ini

# Arguments, as in `make revision m="add invoices"`; `make migrations-help` lists those of each target.
# They are read from the command line only, and literally: a dollar sign in a message does not start
# a variable. The recipes use copies, such as $migration_m, so variables of these names in the
# environment, or in a Makefile that includes this file, are neither used nor changed.
migration_arguments := m to from phase prod drop rewrite lose keep base out host yes beside deploys mask load
define migration_argument
ifeq ($$(origin $(1)),command line)
override $(1) := $$(value $(1))
export $(1)
override migration_$(1) := $$(value $(1))
else
override migration_$(1) :=
endif
export migration_$(1)
endef
$(foreach each,$(migration_arguments),$(eval $(call migration_argument,$(each))))

# An argument as a command-line option, with the name $(2) if that is given; and as Alembic's -x.
migration_option = $(if $(migration_$(1)),--$(or $(2),$(1)) "$$migration_$(1)")
migration_x = $(if $(migration_$(1)),-x $(1)="$$migration_$(1)")

# Refuses arguments that the target does not support, instead of ignoring them.
migration_takes_no = $(foreach each,$(1),$(if $(migration_$(each)),echo 'make $@ does not support $(each)= and changed nothing; make migrations-help lists the targets that do.' >&2; exit 2;))

# FROM..TO, if either was given.
migration_range = $(if $(migration_from)$(migration_to),"$${migration_from:-base}..$${migration_to:-head}")

# prod=1 selects the configuration for deploys.
migration_ini = $(if $(migration_prod),-c $(PROD_INI))

# UTF-8 in messages, comments and SQL, whatever the locale is.
export PYTHONUTF8 = 1
export PYTHONIOENCODING = utf-8

ifneq ($(findstring %,$(CURDIR)),)
$(error Alembic cannot read ini files in a folder with % in its path: rename $(CURDIR))
endif

ifeq ($(.DEFAULT_GOAL),)
.DEFAULT_GOAL := migrations-help
endif

define need_message
test -n "$$migration_m" || { echo 'make $@ needs a message, for example: make $@ m="add invoices"' >&2; exit 2; }
endef

# Whether the package can be imported, wherever it is installed from.
has_migrator = $(PYTHON) -c 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("migrator"))'

define need_migrator
$(has_migrator) || { echo 'make $@ needs the package alembic-starter: copy its folder vendor/alembic-starter, then uv add "./vendor/alembic-starter[postgresql]" or pip install it. (make tables also needs the autoimport_ keys of its alembic.ini; make deploy also needs its alembic_prod.ini, with your script_location, and its migrations/env.py instead of yours.)' >&2; exit 2; }
endef

# Commands with alembic.ini write to this machine only, or to a server that host=NAME names (or
# development_hosts in the file).
named_host = $(call migration_option,host)
alembic_to_host = $(ALEMBIC) $(call migration_x,host)

# Updates catalog.txt, and schema.sql, which shows the effect of a revision in a review: delete that to do
# without.
define keep_snapshot
if $(has_migrator); then $(MIGRATOR) snapshot --keep $(named_host); fi
endef

# Sets $$count to the number of heads.
define count_heads
heads=$$($(ALEMBIC) heads) || { code=$$?; echo "$$heads"; exit $$code; }; count=$$(echo "$$heads" | grep -c .)
endef

# Runs $(1). If Alembic reports that a relative step leads nowhere, and the test $(2) finds that $$now,
# the revision of the database, is already the last one, prints $(3) instead of Alembic's message.
define plainly
output=$$($(1)); code=$$?; \
case "$$output" in *"Relative revision "*" didn't produce "*) \
	now=$$($(ALEMBIC) current 2>/dev/null); if $(2); then echo '$(3)'; exit 0; fi;; \
*"Multiple head revisions "*) \
	echo 'There are several heads, so the target is ambiguous: join them with make merge m="merge", or name one with make upgrade to=REV.';; \
*"Ambiguous walk"*) \
	echo 'The database is at a merge revision, so the target is ambiguous: name it with make downgrade to=REV (make history lists the revisions).';; \
esac; \
test -z "$$output" || printf '%s\n' "$$output"; exit $$code
endef

.PHONY: migrations-help db-start db-stop db-shell db-url migrate revision empty-revision upgrade \
	downgrade current history heads merge sql snapshot check-history tables plan deploy rollback

migrations-help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s  %s\n", $$1, $$2 }' $(filter %migrations.mk,$(MAKEFILE_LIST))

migrate: ## upgrade the database to the newest revision (host=NAME if it is on another machine)
	@$(call migration_takes_no,to phase prod)
	@$(call plainly,$(alembic_to_host) upgrade head,false,)

revision: ## write a revision for the changes in the models: m="add invoices" (drop=table, rewrite=table.column and lose=table.column allow these)
	@$(need_message)
	@if $(has_migrator); then \
	$(MIGRATOR) revision --message "$$migration_m" $(foreach each,drop rewrite lose,$(call migration_option,$(each))) $(named_host); else \
	$(ALEMBIC) upgrade head && $(ALEMBIC) revision --autogenerate --message="$$migration_m"; fi

empty-revision: ## write an empty revision to edit by hand: m="fix prices"
	@$(need_message)
	@$(ALEMBIC) revision --message="$$migration_m"

upgrade: ## upgrade the database: to=REV or to=+1 (default: head)
	@$(call migration_takes_no,phase prod)
	@$(call plainly,$(alembic_to_host) upgrade "$${migration_to:-head}",echo "$$now" | grep -q "(head)",Already at the newest revision: nothing to upgrade.)

downgrade: ## downgrade a development database: to=REV, to=-2 or to=base (default: -1)
	@$(call migration_takes_no,phase prod)
	@$(call plainly,$(alembic_to_host) downgrade "$${migration_to:--1}",test -z "$$now",Already at base: nothing to downgrade.)

current: ## show the revision of the database
	@output=$$($(ALEMBIC) current) || { code=$$?; echo "$$output"; exit $$code; }; \
	echo "$${output:-base (no revision is applied)}"

history: ## list all revisions, newest first (deploys=1: show the migration log instead; prod=1)
	@$(if $(migration_deploys),$(need_migrator),$(ALEMBIC) history)
	@$(if $(migration_deploys),$(MIGRATOR) $(migration_ini) log)

heads: ## show the newest revision, or one for each branch
	@$(ALEMBIC) heads

merge: ## join several heads into one: m="merge"
	@$(need_message)
	@$(count_heads); if test "$$count" -lt 2; then echo 'There is one head: nothing to merge.'; else \
	$(ALEMBIC) merge heads --message="$$migration_m" && $(keep_snapshot); fi

sql: ## write the SQL of an upgrade to a file: from=REV to=REV out=FILE (default: from the revision of the database to head; prod=1)
	@$(call migration_takes_no,phase)
	@$(need_migrator)
	@$(MIGRATOR) $(migration_ini) sql $(call migration_option,from) $(call migration_option,to) $(call migration_option,out,output)

snapshot: ## write schema.sql, which shows the schema in reviews (run it again after editing a revision)
	@$(need_migrator)
	@$(MIGRATOR) snapshot $(named_host)

check-history: ## refuse changes to revisions that are on the main branch: base=origin/main
	@$(need_migrator)
	@$(MIGRATOR) guard $(or $(call migration_option,base),--optional)

.PHONY: squash
squash: ## collapse revisions into one: m="start" (to=REV; keep=REV,... or drop=REV,... for the rows that they insert)
	@$(need_message)
	@$(need_migrator)
	@$(MIGRATOR) squash --message "$$migration_m" $(call migration_option,to) $(call migration_option,keep,keep-data) $(call migration_option,drop,drop-data) $(named_host)
	@$(keep_snapshot)

.PHONY: baseline
baseline: ## adopt the database in DATABASE_URL (models, a first revision, a stamp): m="as it was" (yes=1: do not ask)
	@$(need_message)
	@$(need_migrator)
	@$(MIGRATOR) baseline --message "$$migration_m" $(if $(migration_yes),--yes) $(if $(migration_beside),--beside) $(named_host)
	@$(keep_snapshot)

.PHONY: reset seed
reset: ## drop everything in the development database, migrate it, and add the example data (yes=1: do not ask)
	@$(need_migrator)
	@$(MIGRATOR) reset $(if $(migration_yes),--yes) $(named_host)

seed: ## add the example data of app/seeds.py that is missing
	@$(need_migrator)
	@$(MIGRATOR) seed $(named_host)

tables: ## list the tables that the models describe, and their modules
	@$(need_migrator)
	@$(MIGRATOR) tables

# base=HEAD: uncommitted revisions.
.PHONY: lint-migrations
lint-migrations: ## report what revisions would lock or break: from=REV to=REV, or base=BRANCH (default: what the branch adds to the main branch, else pending revisions)
	@$(need_migrator)
	@$(MIGRATOR) lint $(migration_range) $(call migration_option,base) $(named_host)

.PHONY: trace
trace: ## run revisions on a shadow database and show their locks: from=REV to=REV, or base=BRANCH (default: as for lint-migrations)
	@$(need_migrator)
	@$(MIGRATOR) trace $(migration_range) $(call migration_option,base) $(named_host)

plan: ## show the revisions that a deploy would apply: to=REV (exit 3 if any; prod=1: with alembic_prod.ini)
	@$(call migration_takes_no,phase)
	@$(need_migrator)
	@$(MIGRATOR) $(migration_ini) plan $(call migration_option,to)

.PHONY: rehearse
rehearse: ## deploy to a copy of the data in DATABASE_URL, and report what it costs: from=BACKUP to=REV mask=FILE.sql load=FILE.sql (default: the newest backup)
	@$(call migration_takes_no,phase)
	@$(need_migrator)
	@$(MIGRATOR) -c $(PROD_INI) rehearse $(call migration_option,from) $(call migration_option,to) $(call migration_option,mask,sql-after-restore) $(call migration_option,load)

deploy: ## apply pending revisions to the database in DATABASE_URL, with alembic_prod.ini: to=REV, phase=expand or phase=contract
	@$(need_migrator)
	@$(MIGRATOR) -c $(PROD_INI) deploy $(call migration_option,to) $(call migration_option,phase)

rollback: ## revert the revisions of a deploy, with alembic_prod.ini, after showing what would be lost: to=REV or to=-1
	@$(call migration_takes_no,phase)
	@$(need_migrator)
	@test -n "$$migration_to" || { echo 'make $@ needs a target revision, for example: make $@ to=-1' >&2; exit 2; }
	@$(MIGRATOR) -c $(PROD_INI) rollback --to "$$migration_to"

db-start: ## start the development PostgreSQL (the targets above start it on demand)
	@$(need_migrator)
	@$(MIGRATOR) db start

db-stop: ## stop the development PostgreSQL
	@$(need_migrator)
	@$(MIGRATOR) db stop

db-shell: ## open psql on the database
	@$(need_migrator)
	@$(MIGRATOR) db shell

db-url: ## print the URL of the database
	@$(need_migrator)
	@$(MIGRATOR) db url
