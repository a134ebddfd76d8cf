# Measurements: make bench. Results go to build/bench/.
BENCH_PROGRAMS := $(addprefix $(BUILD)/tests/bench/,run live wait qdisc option whole hop)
BENCH_BPF := $(addprefix $(BUILD)/tests/bench/,bench.bpf.o wait.bpf.o hop.bpf.o)
BENCH_CFLAGS = $(shell $(PKG_CONFIG) --cflags libbpf jansson)
BENCH_LIBS = $(shell $(PKG_CONFIG) --libs libbpf jansson) -lm

$(BUILD)/tests/bench/%.o: OBJECT_FLAGS = $(BENCH_CFLAGS)
$(BENCH_BPF): BPF_CFLAGS += -Itests/bench
$(BENCH_PROGRAMS): %: %.o $(addprefix $(BUILD)/tests/bench/,row.o packet.o namespaces.o hook.o pair.o flow.o policy.o)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(BENCH_LIBS)

# Of the collector: linked with the command's objects, as unit tests are.
COLLECT_BENCH := $(addprefix $(BUILD)/tests/bench/,collect drain)
$(BUILD)/tests/bench/collect.o $(BUILD)/tests/bench/drain.o: OBJECT_FLAGS = -Ictl $(CTL_CFLAGS)
$(BUILD)/tests/bench/collect.o: | $(BUILD)/ctl/otlp/otlp.pb-c.h
$(COLLECT_BENCH): %: %.o $(UNIT_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CTL_LIBS)

# hopspan-dpdk once more, from the same objects, with its transit step in the hands of forwarder.c.
BENCH_FORWARDER := $(BUILD)/tests/bench/forwarder
$(BENCH_FORWARDER).o: OBJECT_FLAGS = -Ictl $(DPDK_CFLAGS)
$(BENCH_FORWARDER): $(BENCH_FORWARDER).o $(DPDK_OBJECTS) $(DPDK_CTL)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=transit_arrive,--wrap=transit_depart -o $@ $^ $(DPDK_LIBS)

bench: all $(BENCH_PROGRAMS) $(BENCH_FORWARDER) $(COLLECT_BENCH) $(BENCH_BPF) $(BUILD)/venv/.done
	$(Q)tests/bench/bench.sh $(BUILD)/bench
