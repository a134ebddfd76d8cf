# The demo application's Python packages. Debian's own python3 where it is complete: others may vanish with a shell.
VENV := $(BUILD)/venv

$(VENV)/.done: topologies/app/requirements.txt
	$(call say,VENV,$(VENV))
	$(Q)python=/usr/bin/python3; $$python -c 'import ensurepip, venv' 2>/dev/null || python=python3; \
	$$python -m venv --clear $(VENV)
	$(Q)$(VENV)/bin/pip install $(if $(V),,--quiet) --disable-pip-version-check --no-input --only-binary :all: -r $<
	$(Q)touch $@

# What a topology loses packets with.
all: $(BUILD)/topologies/loss.bpf.o
