# The DPDK forwarder. Its drivers (af_packet, af_xdp, pcap, ring) are shared libraries that DPDK loads by itself.
DPDK_SOURCES := $(wildcard dpdk-app/*.c)
DPDK_OBJECTS := $(DPDK_SOURCES:%.c=$(BUILD)/%.o)

all: $(BUILD)/hopspan-dpdk

# System headers: DPDK's inline functions do not know our warnings.
DPDK_CFLAGS = $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags libdpdk))
DPDK_LIBS = $(shell $(PKG_CONFIG) --libs libdpdk)
$(BUILD)/dpdk-app/%.o: OBJECT_FLAGS = -Ictl $(DPDK_CFLAGS)

# node.yaml is read by the command's own reader.
DPDK_CTL := $(addprefix $(BUILD)/ctl/,plane/identity.o plane/destinations.o plane/policy.o record/document.o record/leap.o spans/arena.o)

$(BUILD)/hopspan-dpdk: $(DPDK_OBJECTS) $(DPDK_CTL)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(DPDK_LIBS) $(shell $(PKG_CONFIG) --libs yaml-0.1 jansson)
