# The DPDK forwarder. Its drivers (af_packet, af_xdp, pcap, ring) are shared libraries that DPDK loads by itself.
DPDK_SOURCES := $(wildcard dpdk-app/*.c)
DPDK_OBJECTS := $(DPDK_SOURCES:%.c=$(BUILD)/%.o)

all: $(BUILD)/hopspan-dpdk

# System headers: DPDK's inline functions do not know our warnings.
DPDK_CFLAGS = $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags libdpdk))
DPDK_LIBS = $(shell $(PKG_CONFIG) --libs libdpdk yaml-0.1 jansson libmnl)

# What later DPDK calls otherwise we call so, too: the headers say which name they know.
DPDK_NAMES = $(eval DPDK_NAMES := $(shell $(CC) $(DPDK_CFLAGS) -E -include rte_telemetry.h -x c /dev/null | \
	grep -qw rte_tel_data_add_dict_uint || echo -Drte_tel_data_add_dict_uint=rte_tel_data_add_dict_u64))$(DPDK_NAMES)
$(BUILD)/dpdk-app/%.o: OBJECT_FLAGS = -Ictl $(DPDK_CFLAGS) $(DPDK_NAMES)

# node.yaml is read by the command's own reader.
DPDK_CTL := $(addprefix $(BUILD)/ctl/,notify.o plane/identity.o plane/destinations.o plane/policy.o plane/route.o record/document.o record/leap.o spans/arena.o)

$(BUILD)/hopspan-dpdk: $(DPDK_OBJECTS) $(DPDK_CTL)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(DPDK_LIBS)
