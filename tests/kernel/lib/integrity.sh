# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The facts that security modules are told of devices, as a probe of the kernel's
# function sees them; sourced after vm.sh.

tracing=/sys/kernel/tracing

# The kernel has the function.
can_be_told() {
	grep -qw security_bdev_setintegrity /proc/kallsyms
}

# The third argument is a pointer to a struct dm_verity_digest, or to a signature.
watch_told() {
	echo 'p:told security_bdev_setintegrity type=%si:u32 size=%cx:u64 algorithm=+0(+0(%dx)):string root=+0(+8(%dx)):x8[32]' \
		>$tracing/kprobe_events &&
	echo 1 >$tracing/events/kprobes/told/enable
}

unwatch_told() {
	echo 0 >$tracing/events/kprobes/told/enable
	echo >$tracing/kprobe_events
}

# told: print the facts told since the last call, in one line: "signature SIZE" or "no
# signature", "root ALGORITHM DIGEST" or "no root", in turn
told() {
	sed -n -e 's/0x\(.\)\([,}]\)/0x0\1\2/g' \
		-e 's/.* type=0 size=0 .*/no signature/p' \
		-e 's/.* type=0 size=\([0-9]*\) .*/signature \1/p' \
		-e 's/.* type=1 size=0 .*/no root/p' \
		-e 's/.* type=1 size=24 algorithm="\(.*\)" root={\(.*\)}.*/root \1 \2/p' \
		$tracing/trace | sed 's/,\{0,1\}0x//g' | paste -s -d , | sed 's/,/, /g'
	echo >$tracing/trace
}
