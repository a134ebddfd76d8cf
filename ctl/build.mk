# The hopspan command and its collector.
CTL_PACKAGES := libbpf libcurl libmicrohttpd sqlite3 jansson libcyaml libprotobuf-c libpcap uuid zlib liblz4
CTL_SOURCES := $(wildcard ctl/*.c ctl/*/*.c)

# Kafka for those who have librdkafka; KAFKA= leaves it out.
KAFKA ?= $(shell $(PKG_CONFIG) --exists rdkafka && echo yes)
ifeq ($(KAFKA),yes)
CTL_PACKAGES += rdkafka
CTL_SOURCES := $(filter-out ctl/otlp/kafka_none.c,$(CTL_SOURCES))
else
CTL_SOURCES := $(filter-out ctl/otlp/kafka.c ctl/otlp/kafka_conf.c,$(CTL_SOURCES))
endif

CTL_OBJECTS := $(CTL_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/ctl/otlp/otlp.pb-c.o $(BUILD)/ctl/bpf_objects.o

all: $(BUILD)/hopspan

$(BUILD)/ctl/%.o: OBJECT_FLAGS = -Ictl $(CTL_CFLAGS) -pthread
CTL_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(CTL_PACKAGES))
CTL_LIBS = $(shell $(PKG_CONFIG) --libs $(CTL_PACKAGES)) -pthread -lm

$(BUILD)/hopspan: $(CTL_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CTL_LIBS)

# OTLP's messages, as far as they are used.
$(BUILD)/ctl/otlp/otlp.pb-c.c $(BUILD)/ctl/otlp/otlp.pb-c.h &: ctl/otlp/otlp.proto
	$(call say,PROTOC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(PROTOC_C) --proto_path=$(<D) --c_out=$(BUILD)/ctl/otlp $<

$(BUILD)/ctl/otlp/otlp.pb-c.o: $(BUILD)/ctl/otlp/otlp.pb-c.c
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 $(CFLAGS) $(CPPFLAGS) $(CTL_CFLAGS) -c -o $@ $<

$(CTL_SOURCES:%.c=$(BUILD)/%.o): | $(BUILD)/ctl/otlp/otlp.pb-c.h

# The compiled BPF programs travel inside the command.
$(BUILD)/ctl/bpf_objects.o: ctl/bpf_objects.S $(BPF_OBJECTS)
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -I$(BUILD) -c -o $@ $<
