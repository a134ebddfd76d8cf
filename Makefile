# hopspan: make, make test, make demo, make bench, make install. Everything made is in build/.
#
#   make             the command, the BPF programs in it, the DPDK forwarder
#   sudo make deps   install the Debian packages that this needs
#   sudo make demo   a request over three routers, one of them congested
#   sudo make test   all tests; TESTS="e2e/request unit" picks some
#   sudo make bench  measurements
#   make test-kernel KERNEL=FOLDER   some tests under another kernel, in a virtual machine (tests/vm/run)
#   make install     PREFIX (/usr/local), DESTDIR
# V=1 shows the commands.

PREFIX ?= /usr/local
DESTDIR ?=
UNITS ?= $(PREFIX)/lib/systemd/system
SERVICES = $(notdir $(wildcard packaging/*.service))
BUILD := build

CC := gcc
CLANG ?= clang
PROTOC_C ?= protoc-c
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Werror -Wmissing-prototypes -Wshadow -Wstrict-prototypes
CPPFLAGS += -I. -I$(BUILD) -D_GNU_SOURCE

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s%s\n' '$(1)' '$(2)')

.PHONY: all deps demo test bench install uninstall clean lint
all:

include tc/build.mk ctl/build.mk dpdk-app/build.mk topologies/build.mk tests/build.mk

deps:
	$(Q)packaging/deps

# Both install what they need and build first; each says so.
demo:
	$(Q)topologies/demo.sh

test:
	$(Q)packaging/deps
	$(Q)$(MAKE) --no-print-directory test-build $(BUILD)/venv/.done
	$(Q)tests/run $(TESTS)

$(BUILD)/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(CFLAGS) $(WARNINGS) $(CPPFLAGS) $(OBJECT_FLAGS) -MMD -MP -c -o $@ $<

install: all
	install -D -m 755 $(BUILD)/hopspan $(DESTDIR)$(PREFIX)/bin/hopspan
	install -D -m 755 $(BUILD)/hopspan-dpdk $(DESTDIR)$(PREFIX)/bin/hopspan-dpdk
	install -D -m 644 sdk/hopspan.h $(DESTDIR)$(PREFIX)/include/hopspan.h
	install -d $(DESTDIR)$(UNITS)
	for unit in $(SERVICES); do sed 's|/usr/local|$(PREFIX)|' packaging/$$unit >$(DESTDIR)$(UNITS)/$$unit || exit 1; done

uninstall:
	rm -f $(addprefix $(DESTDIR)$(UNITS)/,$(SERVICES))
	rm -f $(DESTDIR)$(PREFIX)/bin/hopspan $(DESTDIR)$(PREFIX)/bin/hopspan-dpdk $(DESTDIR)$(PREFIX)/include/hopspan.h

clean:
	rm -rf $(BUILD)

# What the project's own tools say of the sources; clang-format, cppcheck and shellcheck are not installed by deps.
lint:
	clang-format --dry-run -Werror $(shell git ls-files '*.c' '*.h')
	cppcheck --quiet --error-exitcode=1 --inline-suppr -I. -Ictl --suppress=missingIncludeSystem --suppress=unknownMacro $(CTL_SOURCES) $(DPDK_SOURCES)
	shellcheck -x $(shell git ls-files '*.sh') tests/run packaging/deps .ci/run

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
