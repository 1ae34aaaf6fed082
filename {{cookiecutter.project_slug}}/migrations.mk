# The migration commands as make targets. To use them in another project with Alembic, copy this file
# and add `include migrations.mk` to its Makefile (or run `make -f migrations.mk`). Some targets also
# need the package alembic-starter, and print how to install it.

# PYTHON is taken from the command line or a Makefile, not from the environment.
ifneq ($(filter undefined environment,$(origin PYTHON)),)
PYTHON = $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)
endif
# A folder called alembic that is a package would be taken for Alembic (-P looks elsewhere).
ALEMBIC ?= $(PYTHON) $(if $(wildcard alembic/__init__.py),-P )-m alembic
MIGRATOR ?= $(PYTHON) -m migrator
# The configuration for deploys; all other targets use alembic.ini.
PROD_INI ?= alembic_prod.ini

# Arguments, as in `make revision m="add invoices"`; `make migrations-help all=1` lists those of each target.
# They are read from the command line only, and literally: a dollar sign in a message does not start
# a variable. The recipes use copies, such as $migration_m, so variables of these names in the
# environment, or in a Makefile that includes this file, are neither used nor changed.
migration_arguments := m to from phase prod drop rewrite lose keep base out host yes beside deploys n file into timeout mask load values only stage shard name schema all args q v
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

# args='--accept-risk "the table is small"': more options of the command, read literally as well.
migration_more = $(if $(migration_args),--args "$$migration_args")

# q=1: only results, warnings and errors; v=1: also each SQL statement, as it runs.
export MIGRATION_VERBOSITY := $(if $(migration_q),quiet,$(if $(migration_v),verbose))

# Refuses arguments that the target does not support, instead of ignoring them.
migration_takes_no = $(foreach each,$(1),$(if $(migration_$(each)),echo 'make $@ does not support $(each)= and changed nothing; make migrations-help all=1 lists the targets that do.' >&2; exit 2;))

# FROM..TO, if either was given.
migration_range = $(if $(migration_from)$(migration_to),"$${migration_from:-base}..$${migration_to:-head}")

# prod=1 selects the configuration for deploys.
migration_ini = $(if $(migration_prod),-c $(PROD_INI))

# So that the commands that are printed are those of make.
export MIGRATION_CALLED_BY = make

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
$(has_migrator) || { echo 'make $@ needs the package alembic-starter: copy its folder vendor/alembic-starter, then uv add "./vendor/alembic-starter[postgresql]" or pip install it. Then "python -m migrator adopt" sets up the rest: env.py, alembic.ini and alembic_prod.ini.' >&2; exit 2; }
endef

# Commands with alembic.ini write to this machine only, or to a server that host=NAME names (or
# development_hosts in the file).
named_host = $(call migration_option,host)
alembic_to_host = $(ALEMBIC) $(call migration_x,host)

# The history of shared tables (docs/fleet.md), if alembic.ini has one: the tenants' stands on it.
shared_history = $(shell sed -n 's/^shared_history *= *\([^ ]*\).*/\1/p' alembic.ini 2>/dev/null)
shared_history_first = $(if $(shared_history),$(ALEMBIC) -n $(shared_history) $(call migration_x,host) upgrade head)

# Updates catalog.txt, and schema.sql, which shows the effect of a revision in a review: delete that to do
# without.
define keep_snapshot
if $(has_migrator); then $(MIGRATOR) snapshot --keep $(named_host); fi
endef

# Runs $(1), and says its exit code if that is not 0: make itself ends with 2, whatever went wrong.
define with_code
$(1) || { code=$$?; echo "make $@: exit code $$code. (make itself ends with 2 after every failure: that does not mean that nothing was changed.)" >&2; exit $$code; }
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

# Lists the targets of the makefiles $(2), in groups and at most 80 columns: those of this database that
# can run, and with $(1) all of them with their arguments. `#@` begins a group; a target's line has what it
# does, then after | its arguments; [pg] is for PostgreSQL only.
define migration_listing
awk -v all="$(1)" -v sqlite="$$(grep -ls '^sqlalchemy.url *= *sqlite' alembic.ini)" \
	-v fleet="$(has_fleet)" \
	-v package="$$(test -d vendor/alembic-starter && echo 1 || { $(has_migrator) && echo 1; })" ' \
function wrapped(text, indent,   words, number, place, line) { \
	number = split(text, words, " "); line = indent; \
	for (place = 1; place <= number; place++) { \
		if (length(line) + length(words[place]) >= 80 && line != indent) { print line; line = indent } \
		line = line (line == indent ? "" : " ") words[place] }; \
	if (line != indent) print line } \
/^#@ / { group = substr($$0, 4); if (!(group in known)) { known[group] = 1; order[++groups] = group } } \
/^[a-z-]+:.*## / { \
	name[++count] = $$0; sub(/:.*/, "", name[count]); text[count] = $$0; sub(/.*## /, "", text[count]); \
	of[count] = group; own[count] = sub(/^\[pg\] /, "", text[count]); \
	many[count] = sub(/^\[fleet\] /, "", text[count]) } \
/^\t@[$$][(]need_migrator[)]$$/ { needs[count] = 1 } \
END { order[groups + 1] = "Help"; for (g = 1; g <= groups + 1; g++) { \
	begun = 0; if (order[g] == "Help" && g <= groups) continue; \
	for (i = 1; i <= count; i++) if (of[i] == order[g] && (all || !own[i] || !sqlite) && (fleet || !many[i])) { \
		if (needs[i] && !package) { missing = missing " " name[i]; continue } \
		if (!begun++) printf "\n%s\n", order[g]; \
		split(text[i], part, " [|] "); printf "  %-16s  %s\n", name[i], part[1]; \
		if (all && index(text[i], " | ")) wrapped(part[2], "                    ") } }; \
	if (missing) { print "\nThese need the package alembic-starter (each says how to install it)"; wrapped(missing, "  ") } }' \
	$(2)
endef
# Whether this project deploys to many tenants: docs/fleet.md.
has_fleet = $(shell grep -ls '^\[fleet\]' $(PROD_INI) 2>/dev/null)
migration_here = $(filter %migrations.mk,$(MAKEFILE_LIST))

.PHONY: migrations-help db-start db-stop db-shell db-url migrate revision empty-revision upgrade \
	downgrade redo status current history heads merge sql snapshot check-history tables plan deploy \
	rollback backup restore wait

# The order of the groups.
#@ Change the schema
#@ Look
#@ Review
#@ Deploy
#@ Deploy to many tenants
#@ Begin anew
#@ Development database

#@ Help
migrations-help: ## list the migration targets (all=1: with all their arguments)
	@$(call migration_listing,$(migration_all),$(migration_here))

#@ Change the schema
migrate: ## upgrade the database to the newest revision | host=NAME: it is on another machine; q=1: quiet, v=1: show each SQL statement (for all targets)
	@$(call migration_takes_no,to phase prod)
	@$(shared_history_first)
	@$(call plainly,$(alembic_to_host) upgrade head,false,)

#@ Change the schema
revision: ## write revisions for changes of the models: m="add invoices" | drop=table, rewrite=table.column and lose=table.column allow these
	@$(need_message)
	@if $(has_migrator); then \
	$(MIGRATOR) revision --message "$$migration_m" $(foreach each,drop rewrite lose,$(call migration_option,$(each))) $(named_host); else \
	$(ALEMBIC) upgrade head && $(ALEMBIC) revision --autogenerate --message="$$migration_m"; fi

#@ Change the schema
empty-revision: ## write an empty revision to edit by hand: m="fix prices"
	@$(need_message)
	@$(ALEMBIC) revision --message="$$migration_m"

#@ Change the schema
upgrade: ## upgrade the database: to=REV or to=+1 (default: head)
	@$(call migration_takes_no,phase prod)
	@$(call plainly,$(alembic_to_host) upgrade "$${migration_to:-head}",echo "$$now" | grep -q "(head)",Already at the newest revision: nothing to upgrade.)

#@ Change the schema
downgrade: ## downgrade: to=REV, to=-2 or to=base (default: -1) | development databases only
	@$(call migration_takes_no,phase prod)
	@$(call plainly,$(alembic_to_host) downgrade "$${migration_to:--1}",test -z "$$now",Already at base: nothing to downgrade.)

#@ Change the schema
redo: ## revert the newest revision, and apply it again (n=2 for two) | development databases only
	@$(call migration_takes_no,to prod)
	@$(need_migrator)
	@$(MIGRATOR) redo $(if $(migration_n),-n "$$migration_n") $(named_host)

#@ Look
status: ## where the database is, what is pending, drift (prod=1) | prod=1: with alembic_prod.ini
	@$(need_migrator)
	@$(MIGRATOR) $(migration_ini) status $(migration_more)

#@ Look
current: ## the revision of the database
	@output=$$($(ALEMBIC) current) || { code=$$?; echo "$$output"; exit $$code; }; \
	echo "$${output:-base (no revision is applied)}"

#@ Look
history: ## all revisions, newest first (deploys=1: the migration log) | prod=1: with alembic_prod.ini
	@$(if $(migration_deploys),$(need_migrator),$(ALEMBIC) history)
	@$(if $(migration_deploys),$(MIGRATOR) $(migration_ini) log)

#@ Look
heads: ## the newest revision, or one for each branch
	@$(ALEMBIC) heads

#@ Change the schema
merge: ## join several heads into one: m="merge"
	@$(need_message)
	@$(count_heads); if test "$$count" -lt 2; then echo 'There is one head: nothing to merge.'; else \
	$(ALEMBIC) merge heads --message="$$migration_m" && $(keep_snapshot); fi

#@ Deploy
sql: ## write the SQL of an upgrade to a file | from=REV to=REV out=FILE (default: from the revision of the database to head); prod=1: with alembic_prod.ini
	@$(call migration_takes_no,phase)
	@$(need_migrator)
	@$(MIGRATOR) $(migration_ini) sql $(call migration_option,from) $(call migration_option,to) $(call migration_option,out,output)

#@ Review
snapshot: ## write schema.sql, which shows the schema in reviews | run it again after editing a revision
	@$(need_migrator)
	@$(MIGRATOR) snapshot $(named_host)

#@ Review
check-history: ## refuse changes to revisions that are on the main branch | base=origin/main
	@$(need_migrator)
	@$(MIGRATOR) guard $(or $(call migration_option,base),--optional)

.PHONY: squash
#@ Begin anew
squash: ## collapse revisions into one: m="start" | to=REV; keep=REV,... or drop=REV,... for the rows that they insert; from=database: begin anew
	@$(need_message)
	@$(need_migrator)
	@$(MIGRATOR) squash --message "$$migration_m" $(call migration_option,to) $(call migration_option,from) $(if $(migration_yes),--yes) $(call migration_option,keep,keep-data) $(call migration_option,drop,drop-data) $(named_host)
	@$(keep_snapshot)

.PHONY: baseline
#@ Begin anew
baseline: ## adopt the database in DATABASE_URL: m="as it was" | models, a first revision, a stamp; beside=1: keep models that are there; yes=1: do not ask
	@$(need_message)
	@$(need_migrator)
	@$(MIGRATOR) baseline --message "$$migration_m" $(if $(migration_yes),--yes) $(if $(migration_beside),--beside) $(named_host)
	@$(keep_snapshot)

.PHONY: reset seed
#@ Begin anew
reset: ## recreate the development database with the example data | drops everything in it; yes=1: do not ask
	@$(need_migrator)
	@$(MIGRATOR) reset $(if $(migration_yes),--yes) $(named_host)

#@ Begin anew
seed: ## add the example data of app/seeds.py that is missing
	@$(need_migrator)
	@$(MIGRATOR) seed $(named_host)

#@ Look
tables: ## the tables that the models describe, and their modules
	@$(need_migrator)
	@$(MIGRATOR) tables

.PHONY: diagram
#@ Look
diagram: ## write docs/schema.md: the tables as a diagram (out=FILE)
	@$(need_migrator)
	@$(MIGRATOR) diagram $(call migration_option,out,output) $(named_host)

.PHONY: history-graph
#@ Look
history-graph: ## write history.html: the revisions as a graph (out=FILE)
	@$(need_migrator)
	@$(MIGRATOR) history-graph $(call migration_option,out,output) $(named_host)

# base=HEAD: uncommitted revisions.
.PHONY: lint-migrations
#@ Review
lint-migrations: ## [pg] report what revisions would lock or break | from=REV to=REV, or base=BRANCH (default: what the branch adds to the main branch, else pending revisions)
	@$(need_migrator)
	@$(MIGRATOR) lint $(migration_range) $(call migration_option,base) $(named_host) $(migration_more)

.PHONY: trace
#@ Review
trace: ## [pg] run revisions on a shadow database, show their locks | from=REV to=REV, or base=BRANCH (default: as for lint-migrations)
	@$(need_migrator)
	@$(MIGRATOR) trace $(migration_range) $(call migration_option,base) $(named_host) $(migration_more)

# Exit code 3, revisions are pending, is no failure here.
#@ Deploy
plan: ## show the revisions that a deploy would apply (prod=1) | to=REV; prod=1: with alembic_prod.ini
	@$(call migration_takes_no,phase)
	@$(need_migrator)
	@$(MIGRATOR) $(migration_ini) plan $(call migration_option,to) $(migration_more) || { code=$$?; test $$code = 3 || exit $$code; }

# What follows uses alembic_prod.ini and the database in DATABASE_URL.
#@ Deploy
.PHONY: rehearse
rehearse: ## deploy to a copy of the data, and report what it costs | of the newest backup, or from=BACKUP; to=REV, mask=FILE.sql (run before anything else), load=FILE.sql (requests meanwhile), values=1 (show rows that break a constraint)
	@$(call migration_takes_no,phase)
	@$(need_migrator)
	@$(MIGRATOR) -c $(PROD_INI) rehearse $(call migration_option,from) $(call migration_option,to) $(call migration_option,mask,sql-after-restore) $(call migration_option,load) $(if $(migration_values),--show-values) $(migration_more)

#@ Deploy
deploy: ## apply pending revisions to the database in DATABASE_URL | with alembic_prod.ini; to=REV, phase=expand or phase=contract; args='--accept-risk REASON': more options (deploy --help)
	@$(need_migrator)
	@$(call with_code,$(MIGRATOR) -c $(PROD_INI) deploy $(call migration_option,to) $(call migration_option,phase) $(migration_more))

#@ Deploy
rollback: ## revert the revisions of a deploy: to=REV or to=-1 | with alembic_prod.ini, after showing what would be lost; yes=1: do not ask
	@$(call migration_takes_no,phase)
	@$(need_migrator)
	@test -n "$$migration_to" || { echo 'make $@ needs a target revision, for example: make $@ to=-1' >&2; exit 2; }
	@$(call with_code,$(MIGRATOR) -c $(PROD_INI) rollback --to "$$migration_to" $(if $(migration_yes),--yes) $(migration_more))

#@ Deploy
backup: ## back up the database in DATABASE_URL, and verify the file | with alembic_prod.ini; out=FILE (default: a file in backup_folder)
	@$(call migration_takes_no,file into to phase)
	@$(need_migrator)
	@$(call with_code,$(MIGRATOR) -c $(PROD_INI) backup $(call migration_option,out,output) $(migration_more))

#@ Deploy
restore: ## restore a backup: file=FILE into=NAME | with alembic_prod.ini, into an empty or new database; yes=1: do not ask
	@$(call migration_takes_no,out to phase)
	@$(need_migrator)
	@test -n "$$migration_file" || { echo 'make $@ needs a backup, for example: make $@ file=backups/app.dump into=restored' >&2; exit 2; }
	@$(call with_code,$(MIGRATOR) -c $(PROD_INI) restore $(call migration_option,into) $(if $(migration_yes),--yes) $(migration_more) -- "$$migration_file")

#@ Deploy
wait: ## wait until the database is where this code expects it | with alembic_prod.ini and DATABASE_URL; timeout=SECONDS
	@$(call migration_takes_no,to phase file)
	@$(need_migrator)
	@$(call with_code,$(MIGRATOR) -c $(PROD_INI) wait $(call migration_option,timeout) $(migration_more))

# With [fleet] in alembic_prod.ini: docs/fleet.md.
ifneq ($(has_fleet),)
fleet = $(MIGRATOR) -c $(PROD_INI) fleet
migration_tenants = $(call migration_option,only) $(call migration_option,stage) $(call migration_option,shard)

.PHONY: fleet-plan fleet-deploy fleet-status fleet-verify fleet-create fleet-drop
#@ Deploy to many tenants
fleet-plan: ## [fleet] show which tenants a deploy would change | to=REV, phase=expand; only=NAME,..., stage=NAME, shard=I/N
	@$(need_migrator)
	@$(fleet) plan $(migration_tenants) $(call migration_option,to) $(call migration_option,phase) $(migration_more) || { code=$$?; test $$code = 3 || exit $$code; }

#@ Deploy to many tenants
fleet-deploy: ## [fleet] apply pending revisions to all tenants | to=REV, phase=expand or phase=contract; only=NAME,..., stage=NAME, shard=I/N
	@$(need_migrator)
	@$(call with_code,$(fleet) deploy $(migration_tenants) $(call migration_option,to) $(call migration_option,phase) $(migration_more))

#@ Deploy to many tenants
fleet-status: ## [fleet] show where the tenants are | only=NAME,..., stage=NAME; all=1 lists every one
	@$(need_migrator)
	@$(fleet) status $(migration_tenants) $(if $(migration_all),--all) $(migration_more)

#@ Deploy to many tenants
fleet-verify: ## [fleet] compare the schema of each tenant | only=NAME,..., stage=NAME
	@$(need_migrator)
	@$(call with_code,$(fleet) verify $(migration_tenants) $(migration_more))

#@ Deploy to many tenants
fleet-create: ## [fleet] make a tenant: name=acme | schema=NAME, if it is not the same name
	@$(need_migrator)
	@test -n "$$migration_name" || { echo 'make $@ needs a tenant, for example: make $@ name=acme' >&2; exit 2; }
	@$(call with_code,$(fleet) create $(call migration_option,schema) -- "$$migration_name")

#@ Deploy to many tenants
fleet-drop: ## [fleet] back up a tenant and remove it: name=acme | yes=1: do not ask
	@$(need_migrator)
	@test -n "$$migration_name" || { echo 'make $@ needs a tenant, for example: make $@ name=acme' >&2; exit 2; }
	@$(call with_code,$(fleet) drop $(if $(migration_yes),--yes) -- "$$migration_name")
endif

#@ Development database
db-start: ## [pg] start PostgreSQL (other targets start it on demand)
	@$(need_migrator)
	@$(MIGRATOR) db start

#@ Development database
db-stop: ## [pg] stop PostgreSQL
	@$(need_migrator)
	@$(MIGRATOR) db stop

#@ Development database
db-shell: ## open a shell on the database
	@$(need_migrator)
	@$(MIGRATOR) db shell

#@ Development database
db-url: ## print the URL of the database
	@$(need_migrator)
	@$(MIGRATOR) db url
