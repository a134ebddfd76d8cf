#!/usr/bin/env bash
# Tests under another kernel: boots it in a virtual machine over this machine's files, which it sees and cannot change.
#
#   kernel.sh KERNEL [TEST...]	KERNEL: a folder with a kernel package unpacked in it; TEST as for tests/run
#
#   apt-get download linux-image-6.1.0-56-amd64 && dpkg-deb -x linux-image-6.1.0-56-amd64_*.deb KERNEL
#
# Needs qemu-system-x86_64, busybox-static, kmod. Without KVM (the default; ACCEL=kvm where that works) a test takes 10
# to 30 times as long, so the ones chosen by default are few (5 to 10 minutes): programs load and do what they do on
# vectors, and two hosts stamp in place, by clone and by shadow, sink and answer. Exit status: tests/run's; 77: something
# lacks.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

skip() { echo "kernel.sh: $*" >&2; exit 77; }

kernel=$(realpath "${1:?usage: kernel.sh KERNEL [TEST...]}")
shift
tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=(bpf/vectors e2e/order e2e/queue e2e/shadow)
for tool in qemu-system-x86_64 busybox modprobe depmod; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
version=$(basename "$(find "$kernel/lib/modules" -mindepth 1 -maxdepth 1 -type d | head -n 1)")
image=$kernel/boot/vmlinuz-$version
[ -e "$image" ] || skip "$kernel has no kernel: unpack a linux-image package there with dpkg-deb -x"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/initrd/{bin,modules,dev,proc,sys,lower,upper,new} "$work/out"

# The modules that the first steps need, in the order of their loading, as plain files.
modules_copy() {
	local module number=10
	for module in virtio_pci 9pnet_virtio 9p overlay; do
		modprobe -d "$kernel" -S "$version" --show-depends $module 2>/dev/null | awk '$1 == "insmod" { print $2 }'
	done | awk '!seen[$0]++' | while read -r module; do
		case $module in
		*.xz) xz -dc "$module" ;;
		*.zst) zstd -qdc "$module" ;;
		*) cat "$module" ;;
		esac >"$work/initrd/modules/$((number++)).ko"
	done
}

# First step, from memory: this machine's files below, what the guest writes above.
init_write() {
	cat >"$work/initrd/init" <<-'EOF'
		#!/bin/busybox sh
		b=/bin/busybox nine=trans=virtio,version=9p2000.L,msize=524288
		$b mount -t devtmpfs devtmpfs /dev; $b mount -t proc proc /proc; $b mount -t sysfs sysfs /sys
		for module in /modules/*.ko; do $b insmod $module; done
		$b mount -t 9p -o ro,cache=loose,$nine host /lower && $b mount -t tmpfs -o size=60% tmpfs /upper &&
			$b mkdir /upper/files /upper/work &&
			$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay /new &&
			$b mkdir -p /new/.out && $b mount -t 9p -o rw,cache=none,$nine out /new/.out || $b poweroff -f
		$b umount /proc /sys; $b mount --move /dev /new/dev
		exec $b switch_root /new /bin/sh /.out/second
	EOF
	chmod +x "$work/initrd/init"
}

# Second step, over these files: what a booted system has mounted, then the tests.
second_write() {
	cat >"$work/out/second" <<-EOF
		export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
		mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /run
		mkdir -p /dev/shm /run/netns /run/lock /lib/modules/$version
		mount -t tmpfs tmpfs /dev/shm; mount -t cgroup2 cgroup2 /sys/fs/cgroup; mount -t bpf bpf /sys/fs/bpf
		ln -s /proc/self/fd /dev/fd
		mount --bind '$kernel/lib/modules/$version' /lib/modules/$version
		ip link set lo up; cd '$top'; uname -srm >/.out/stdout
		tests/run ${tests[@]@Q} >>/.out/stdout 2>&1 </dev/null; echo \$? >/.out/status
		sync; echo o >/proc/sysrq-trigger; sleep 60
	EOF
}

init_write
second_write
cp "$(command -v busybox)" "$work/initrd/bin/busybox"
depmod -b "$kernel" "$version" 2>/dev/null || true
modules_copy
(cd "$work/initrd" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initrd.gz"

case ${ACCEL:-tcg} in
kvm) accel=(-accel kvm -cpu host) ;;
*) accel=(-accel "tcg,thread=multi,tb-size=512" -cpu "max,la57=off") ;;
esac
timeout -k 5 "${TIMEOUT:-1800}" qemu-system-x86_64 -M q35 "${accel[@]}" -smp 2 -m 3G -nodefaults -no-user-config \
	-display none -no-reboot -serial "file:$work/out/console" -device virtio-rng-pci \
	-kernel "$image" -initrd "$work/initrd.gz" -append "console=ttyS0 panic=-1 mitigations=off rdinit=/init loglevel=4" \
	-fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
	-device virtio-9p-pci,fsdev=host,mount_tag=host \
	-fsdev "local,id=out,path=$work/out,security_model=none" -device virtio-9p-pci,fsdev=out,mount_tag=out \
	</dev/null || true
cat "$work/out/stdout" 2>/dev/null || true
[ -s "$work/out/status" ] || { echo "the machine did not get to its end:"; tail -n 20 "$work/out/console"; exit 1; }
exit "$(cat "$work/out/status")"
