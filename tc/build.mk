# BPF programs of tc and XDP; the command carries them inside.
BPF_SOURCES := $(wildcard tc/*.bpf.c xdp/*.bpf.c)
BPF_OBJECTS := $(BPF_SOURCES:%.bpf.c=$(BUILD)/%.bpf.o)
# clang 14's BPF backend finds the architecture's headers only where it is told.
BPF_CFLAGS = -O2 -g -target bpf -mcpu=v3 -ffreestanding -Wall -Wextra -Werror -I. -Itc -Ixdp \
	-idirafter /usr/include/$(shell $(CC) -print-multiarch)

all: $(BPF_OBJECTS)

$(BUILD)/%.bpf.o: %.bpf.c
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<
