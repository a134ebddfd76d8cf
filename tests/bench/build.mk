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

bench: all $(BENCH_PROGRAMS) $(BENCH_BPF) $(BUILD)/venv/.done
	$(Q)tests/bench/bench.sh $(BUILD)/bench
