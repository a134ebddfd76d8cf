# Unit tests: one cmocka program per tests/unit/*.c, linked with the command's objects but its main.
UNIT_SOURCES := $(filter-out $(if $(filter rdkafka,$(CTL_PACKAGES)),,tests/unit/kafka.c),$(wildcard tests/unit/*.c))
UNIT_PROGRAMS := $(UNIT_SOURCES:%.c=$(BUILD)/%)
UNIT_OBJECTS = $(filter-out $(BUILD)/ctl/main.o,$(CTL_OBJECTS))

$(BUILD)/tests/unit/%.o: OBJECT_FLAGS = -Ictl $(CTL_CFLAGS)
$(BUILD)/tests/unit/clock.o $(BUILD)/tests/unit/queue.o: OBJECT_FLAGS = $(DPDK_CFLAGS)
$(UNIT_SOURCES:%.c=$(BUILD)/%.o): | $(BUILD)/ctl/otlp/otlp.pb-c.h
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(UNIT_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CTL_LIBS) -lcmocka

# The walk over packets once more, with what reports every octet read or written outside of one.
SANITIZED_SOURCES := tests/unit/wire.c $(addprefix ctl/record/,record.c nodes.c nodes_yaml.c document.c leap.c) ctl/spans/arena.c
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_PROGRAMS += $(BUILD)/tests/unit/wire-sanitized
$(BUILD)/tests/unit/wire-sanitized: $(SANITIZED_SOURCES) $(wildcard wire/*.h ctl/*/*.h tests/unit/*.h)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(CFLAGS) $(WARNINGS) $(CPPFLAGS) -Ictl $(CTL_CFLAGS) $(SANITIZE) -o $@ \
		$(SANITIZED_SOURCES) $(CTL_LIBS) -lcmocka

# What comes from outside, damaged at random, in the same way.
FUZZ_SOURCES := tests/fuzz/fuzz.c $(addprefix ctl/otlp/,otlp.c otlp_decode.c rejected.c otlp_json_read.c otlp_json_write.c octets.c \
	cut.c protobuf.c gzip.c) $(addprefix ctl/record/,record.c record_json.c nodes.c nodes_yaml.c document.c leap.c) \
	ctl/spans/arena.c ctl/spans/span.c $(BUILD)/ctl/otlp/otlp.pb-c.c
UNIT_PROGRAMS += $(BUILD)/tests/unit/fuzz-sanitized
$(BUILD)/tests/unit/fuzz-sanitized: $(FUZZ_SOURCES) $(wildcard wire/*.h ctl/*/*.h tests/unit/*.h)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(CFLAGS) $(WARNINGS) $(CPPFLAGS) -Ictl $(CTL_CFLAGS) $(SANITIZE) -o $@ \
		$(FUZZ_SOURCES) $(CTL_LIBS) -lcmocka

# The DPDK router's mirror of the kernel's routes.
MIRROR_PROGRAM := $(BUILD)/tests/unit/dpdk-mirror
UNIT_PROGRAMS += $(MIRROR_PROGRAM)
$(BUILD)/tests/dpdk/%.o: OBJECT_FLAGS = $(DPDK_CFLAGS)
$(MIRROR_PROGRAM): $(BUILD)/tests/dpdk/mirror.o $(BUILD)/dpdk-app/mirror.o $(BUILD)/dpdk-app/table.o
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(DPDK_LIBS) -lcmocka

# The BPF programs inside the command's objects, run by the kernel on the vectors: one cmocka program, by vectors.sh.
TRIAL_SOURCES := $(wildcard tests/bpf/*.c)
TRIAL_PROGRAM := $(BUILD)/tests/bpf/vectors

$(BUILD)/tests/bpf/%.o: OBJECT_FLAGS = -Ictl $(CTL_CFLAGS)
$(TRIAL_PROGRAM): $(TRIAL_SOURCES:%.c=$(BUILD)/%.o) $(UNIT_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CTL_LIBS) -lcmocka

# The differential test against the kernel's IOAM, and nodes that are wrong on purpose.
DIFFER_SOURCES := $(filter-out tests/differ/node.c,$(wildcard tests/differ/*.c))
DIFFER_PROGRAM := $(BUILD)/tests/differ/differ
DIFFER_WRONG := $(BUILD)/tests/differ/wrong/right.so

$(BUILD)/tests/differ/%.o: OBJECT_FLAGS = -Ictl $(shell $(PKG_CONFIG) --cflags libbpf)
$(DIFFER_PROGRAM): $(DIFFER_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/ctl/record/leap.o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(shell $(PKG_CONFIG) --libs libbpf) -ldl -lpthread
$(DIFFER_WRONG): tests/differ/wrong.sh tests/differ/wrong.txt tests/differ/node.c tests/differ/node.h $(wildcard wire/*.h)
	$(call say,CC,tests/differ/wrong.txt)
	$(Q)bash tests/differ/wrong.sh $(@D)

# Programs of the end-to-end tests: of ours they see the public header alone, as an application does.
API_PROGRAMS := $(patsubst %.c,$(BUILD)/%,$(filter-out %.bpf.c,$(wildcard tests/e2e/*.c)))
$(API_PROGRAMS): $(BUILD)/%: %.c sdk/hopspan.h
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(CFLAGS) $(WARNINGS) -Isdk -D_GNU_SOURCE $(LDFLAGS) -o $@ $<

# Programs of somebody else beside ours on a hook.
OTHER_OBJECTS := $(patsubst %.bpf.c,$(BUILD)/%.bpf.o,$(wildcard tests/e2e/*.bpf.c))

# What only a guest may do.
GUEST_PROGRAMS := $(patsubst %.c,$(BUILD)/%,$(filter-out %.bpf.c,$(wildcard tests/vm/guest/*.c)))
GUEST_OBJECTS := $(patsubst %.bpf.c,$(BUILD)/%.bpf.o,$(wildcard tests/vm/guest/*.bpf.c))
$(BUILD)/tests/vm/guest/%.o: OBJECT_FLAGS = $(shell $(PKG_CONFIG) --cflags libbpf)
$(GUEST_OBJECTS): BPF_CFLAGS += -Itests/vm/guest
$(GUEST_PROGRAMS): %: %.o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(shell $(PKG_CONFIG) --libs libbpf)

# Traffic for the forwarder, and its judge.
MIXED_PROGRAM := $(BUILD)/tests/dpdk/mixed
$(MIXED_PROGRAM): $(MIXED_PROGRAM).o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

# The forwarder's clock by itself, against the system's.
CLOCK_PROGRAM := $(BUILD)/tests/dpdk/clock
$(CLOCK_PROGRAM).o: OBJECT_FLAGS = -Ictl $(DPDK_CFLAGS)
$(CLOCK_PROGRAM): $(CLOCK_PROGRAM).o $(BUILD)/dpdk-app/clock.o $(BUILD)/ctl/record/leap.o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lpthread

.SECONDARY: $(UNIT_SOURCES:%.c=$(BUILD)/%.o)
.PHONY: test-build test-kernel
test-build: all $(UNIT_PROGRAMS) $(TRIAL_PROGRAM) $(DIFFER_PROGRAM) $(DIFFER_WRONG) $(API_PROGRAMS) $(OTHER_OBJECTS) \
	$(GUEST_PROGRAMS) $(GUEST_OBJECTS) $(MIXED_PROGRAM) $(CLOCK_PROGRAM)

# More than tests/vm/oldest.sh runs, and under any kernel: a package unpacked in KERNEL, and minutes.
test-kernel: test-build
	$(Q)tests/vm/run $(KERNEL) $(if $(TESTS),"$(TESTS)")

include tests/bench/build.mk
