# The DPDK forwarder. Its drivers (af_packet, af_xdp, pcap, ring) are shared libraries that DPDK loads by itself.
DPDK_SOURCES := $(wildcard dpdk-app/*.c)
DPDK_OBJECTS := $(DPDK_SOURCES:%.c=$(BUILD)/%.o)

all: $(BUILD)/hopspan-dpdk

# System headers: DPDK's inline functions do not know our warnings.
DPDK_CFLAGS = $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags libdpdk))
DPDK_LIBS = $(shell $(PKG_CONFIG) --libs libdpdk)
$(BUILD)/dpdk-app/%.o: OBJECT_FLAGS = $(DPDK_CFLAGS)

$(BUILD)/hopspan-dpdk: $(DPDK_OBJECTS) $(BUILD)/ctl/record/leap.o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(DPDK_LIBS)
