# SPDX-License-Identifier: GPL-2.0-or-later
#
# make                the tools and, where headers are installed, the modules
# make demo           the main job on real input, from start to end
# make check          what must pass before a change lands, in half an hour on two processors
# make install        tools, manual pages, library and header, below $(DESTDIR)$(prefix)
# make uninstall      remove what install has put there
# make deb            Debian packages, of the last commit, into build/deb
# make clean          remove build/
# make help           this
#
# Parts of a build, all below build/:
# make tools          mkimage, incrementald, incrementalsetup, incrementalblk, the library, plug-ins
# make modules        the module for each kernel; make module-6.12 for one
# make module-newest  the module for the newest kernel of Debian unstable
# make unit-tests     build/tests/test_NAME
# make test-programs  all that the tests run
#
# What takes longer than make check, or needs more (docs/testing.md):
# make check-long     all of make check's tests, each on each kernel
# make check-damage   damage that heals, or not, in all combinations
# make check-chaos    the loader while servers and networks fail
# make check-preempt  the kernel tests on fully preemptible kernels
# make check-newest   all of it that takes a kernel, on the newest of Debian unstable
# make check-debug    the kernel tests on a kernel with KASAN, lockdep and others
# make check-ipe      policies of the security module IPE
# make check-packages the Debian packages in a Debian that boots with systemd and udev
# make check-filesystems  cold reads of every filesystem, by readers of all kinds
# make check-layouts  filesystems as others make them, extended
# make check-sources  images of archives and packages beside those of directories, as the kernel reads them
# make check-trees    random trees and layers, as the kernel reads them
# make attack         10,000 hostile images on the module
# make bench          measurements beside what else could be used; hours
# make fuzz           the fuzz targets, a minute each
# make fuzz-coverage  the lines that the fuzz targets' corpora reach
#
# Variables, each with an example:
# WERROR=1            a warning is an error; make check sets it
# SANITIZE=1          tools and unit tests with ASan and UBSan, in build/sanitize
# KERNELS=6.12        one kernel in place of both
# TESTS=tests/demo.t  some of make check
# JOBS=1              one test at a time
# BENCH="warm build"  some of make bench
# image_tool=incimage install: mkimage gets that name, in the manual pages, too
# CC, CPPFLAGS, CFLAGS, LDFLAGS, AR, PKG_CONFIG, INSTALL, DESTDIR, prefix, as usual

KERNELS	:= 6.1 6.12

prefix	?= /usr/local
sbindir	?= $(prefix)/sbin
bindir	?= $(prefix)/bin
mandir	?= $(prefix)/share/man
includedir ?= $(prefix)/include
completionsdir ?= $(prefix)/share/bash-completion/completions
zshdir	?= $(prefix)/share/zsh/site-functions
libdir	?= $(prefix)/lib
unitdir	?= $(prefix)/lib/systemd/system
generatordir ?= $(prefix)/lib/systemd/system-generators
udevrulesdir ?= $(prefix)/lib/udev/rules.d
initramfsdir ?= $(prefix)/share/initramfs-tools
INSTALL	?= install

# The one place that names the version.
VERSION	:= 0.1

# What the caller sets comes last, so that it wins.
CFLAGS	?= -O2 -g
WARN	:= -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	   -Wwrite-strings
ifeq ($(WERROR),1)
WARN	+= -Werror
endif
FLAGS	:= -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -pthread $(WARN) \
	   -Idm-incremental -Idm-incremental/include/uapi \
	   -Iuserspace -Imkimage -Itests -DINC_VERSION_STRING='"$(VERSION)"'
COMPILE	= $(CC) $(FLAGS) $(PKG_CFLAGS) $(EXTRA_FLAGS) $(CPPFLAGS) $(CFLAGS)
LINK	= $(CC) $(FLAGS) $(CFLAGS) $(LDFLAGS)

ifdef SANITIZE
BUILD	:= build/sanitize
FLAGS	+= -fsanitize=address,undefined -fno-sanitize-recover=all \
	   -fno-omit-frame-pointer
else
BUILD	:= build
endif

# The libraries, as pkg-config knows them.
PKG_CONFIG ?= pkg-config
PKGS_libincremental := libcrypto liblz4
PKGS_origin	:= libcurl libssl
PKGS_nbdkit	:= nbdkit
PKGS_incrementalblk := liburing $(PKGS_origin) $(PKGS_libincremental)
PKGS_mkimage	:= json-c ext2fs com_err libzstd libarchive $(PKGS_origin) $(PKGS_libincremental)
PKGS_incrementald := $(PKGS_origin) libseccomp $(PKGS_libincremental)
PKGS_plugin	:= devmapper-event devmapper
PKGS_incrementalsetup := $(PKGS_plugin) json-c $(PKGS_origin) $(PKGS_libincremental)
PKGS_test	:= cmocka libseccomp $(PKGS_libincremental)
libs	= $(if $(PKGS_$(1)),$(shell $(PKG_CONFIG) --libs $(PKGS_$(1))))
# pkg-config is asked once, and only if something is compiled.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell $(PKG_CONFIG) --cflags \
		$(sort $(foreach t,$(TOOLS) nbdkit test,$(PKGS_$(t))))))$(PKG_CFLAGS)

SRC_libincremental := $(wildcard userspace/libincremental/*.c) \
		      dm-incremental/format.c
SRC_common	:= $(wildcard userspace/common/*.c)
SRC_mkimage	:= $(wildcard mkimage/*.c mkimage/*/*.c) \
		   $(wildcard userspace/store/*.c) \
		   $(wildcard userspace/origin/*.c) \
		   $(SRC_common)
SRC_incrementald := $(wildcard userspace/loader/*.c) \
		    $(wildcard userspace/node/*.c) \
		    $(wildcard userspace/origin/*.c) \
		    $(wildcard userspace/record/*.c) \
		    $(SRC_common)
SRC_incrementalsetup := $(wildcard userspace/dmsetup-plugin/*.c) \
			$(wildcard userspace/dmsetup-plugin/*/*.c) \
			$(wildcard userspace/node/*.c) \
			$(wildcard userspace/origin/*.c) \
			$(wildcard userspace/record/*.c) \
			$(SRC_common)
SRC_incrementalblk := $(wildcard userspace/block-server/*.c) \
		      $(wildcard userspace/store/*.c) \
		      $(wildcard userspace/origin/*.c) \
		      $(SRC_common)
TOOLS	:= mkimage incrementald incrementalsetup incrementalblk
SHARED	:= build/libincremental.so.0
NBDKIT	:= build/nbdkit-incremental-plugin.so
EXAMPLES := $(patsubst %.c,$(BUILD)/%,$(wildcard examples/*.c))
PLUGIN	:= build/libdevmapper-event-incremental.so
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,\
		$(wildcard tests/unit/test_*.c))

obj	= $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB	:= $(BUILD)/libincremental.a

.PHONY: help all tools modules check check-long check-damage check-chaos \
	check-preempt check-newest check-debug check-ipe check-packages check-filesystems check-layouts check-sources \
	demo bench deb install uninstall clean
all: tools modules

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' Makefile

tools: $(TOOLS:%=$(BUILD)/%) $(PLUGIN) $(SHARED) $(NBDKIT)

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c -o $@ $<

$(LIB): $(call obj,$(SRC_libincremental))
	@rm -f $@
	$(AR) rcs $@ $^

define tool
$(BUILD)/$(1): $$(call obj,$$(SRC_$(1))) $(LIB)
	$$(LINK) -o $$@ $$^ $$(call libs,$(1))
endef
$(foreach t,$(TOOLS),$(eval $(call tool,$(t))))

# dmeventd, which loads it, has no sanitizers.
SRC_plugin	:= $(wildcard userspace/dmeventd-plugin/*.c) \
		   userspace/common/status-line.c userspace/common/parse.c
build/libdevmapper-event-incremental.so: $(SRC_plugin) \
		$(wildcard userspace/dmeventd-plugin/*.h userspace/common/*.h)
	@mkdir -p $(@D)
	$(filter-out -fsanitize=% -fno-sanitize-%,$(COMPILE)) $(LDFLAGS) \
		-fPIC -fvisibility=hidden -shared -o $@ $(SRC_plugin) \
		$(call libs,plugin)

# Likewise nbdkit.
SRC_nbdkit	:= $(wildcard userspace/nbdkit-plugin/*.c userspace/store/*.c userspace/origin/*.c) \
		   $(SRC_common) $(SRC_libincremental)
$(NBDKIT): $(SRC_nbdkit) $(wildcard userspace/store/*.h userspace/origin/*.h userspace/common/*.h \
		userspace/libincremental/*.h dm-incremental/*.h) Makefile
	@mkdir -p $(@D)
	$(filter-out -fsanitize=% -fno-sanitize-%,$(COMPILE)) $(LDFLAGS) \
		-fPIC -fvisibility=hidden -shared -o $@ $(SRC_nbdkit) \
		$(call libs,origin) $(call libs,libincremental)

# The library for others: what its public header names, and nothing else. Programs that
# load it have no sanitizers.
$(SHARED): $(SRC_libincremental) userspace/libincremental/libincremental.map Makefile \
		$(wildcard userspace/libincremental/*.h userspace/libincremental/*/*.h dm-incremental/*.h)
	@mkdir -p $(@D)
	$(filter-out -fsanitize=% -fno-sanitize-%,$(COMPILE)) $(LDFLAGS) -fPIC -shared \
		-Wl,-soname,$(@F) -Wl,-z,defs \
		-Wl,--version-script=userspace/libincremental/libincremental.map \
		-o $@ $(SRC_libincremental) $(call libs,libincremental)

$(BUILD)/obj/examples/%.o: EXTRA_FLAGS += -Iuserspace/libincremental/include
$(BUILD)/examples/%: $(BUILD)/obj/examples/%.o $(LIB)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(call libs,libincremental)

# A unit test sees its tool's sources through #include where it must.
$(BUILD)/tests/test_%: $(BUILD)/obj/tests/unit/test_%.o $(LIB)
	@mkdir -p $(@D)
	$(LINK) -o $@ $(filter %.o,$^) $(LIB) $(call libs,test)
$(BUILD)/tests/test_repage: $(call obj,mkimage/spool.c mkimage/io.c $(addprefix \
		mkimage/segment/,repage.c pagelist.c digestmap.c))
$(BUILD)/tests/test_order: $(call obj,mkimage/spool.c mkimage/io.c mkimage/mkimage.c \
		$(addprefix mkimage/segment/,order.c pagelist.c digestmap.c))
$(BUILD)/tests/test_repage $(BUILD)/tests/test_order $(BUILD)/tests/test_queue: $(call obj,\
		userspace/common/message.c userspace/common/printable.c)
$(BUILD)/tests/test_queue: $(call obj,userspace/loader/pace.c)
$(BUILD)/tests/test_sandbox: $(call obj,userspace/common/printable.c)
$(BUILD)/tests/test_keeper: $(call obj,userspace/common/text-output.c)
$(BUILD)/tests/test_stands_on: $(call obj,$(addprefix userspace/common/,\
		blockdev.c mountinfo.c))
$(BUILD)/tests/test_scrub: $(call obj,userspace/dmsetup-plugin/image.c \
		userspace/node/device.c \
		$(addprefix userspace/common/,message.c parse.c printable.c))
$(BUILD)/tests/test_origins $(BUILD)/tests/test_reply: $(call obj,$(wildcard userspace/origin/*.c) \
		$(addprefix userspace/common/,blockdev.c printable.c same-file.c))
$(BUILD)/tests/test_origins $(BUILD)/tests/test_reply: PKGS_test += $(PKGS_origin)

# Origins as incrementald reads them, without a kernel.
$(BUILD)/tests/origintool: $(call obj,tests/loader/origintool.c \
		userspace/loader/mirrors.c $(wildcard userspace/origin/*.c) \
		$(SRC_common)) $(LIB)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(call libs,origin) $(call libs,libincremental)

# What the kernel tests use inside the VM, where a static program starts in a
# fifth of the time.
$(BUILD)/tests/loadertool: $(call obj,$(wildcard tests/kernel/tools/loadertool/*.c) \
		tests/kernel/tools/tool.c dm-incremental/format.c)
	@mkdir -p $(@D)
	$(LINK) $(if $(SANITIZE),,-static) -o $@ $^

$(BUILD)/tests/livetool: $(call obj,tests/kernel/tools/livetool.c tests/kernel/tools/tool.c)
	@mkdir -p $(@D)
	$(LINK) $(if $(SANITIZE),,-static) -o $@ $^

# Hostile images on the module; make attack is for more than make check tries.
$(BUILD)/tests/attack: $(call obj,tests/kernel/tools/attack.c \
		tests/kernel/tools/dmdevice.c tests/fuzz/edit.c) $(LIB)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(call libs,libincremental)

COUNT	?= 10000
SEED	?= 1
.PHONY: attack check-trees
attack:
	scripts/install-deps build vm
	$(MAKE) tools modules $(BUILD)/tests/attack fuzz-images
	for kernel in $(KERNELS); do \
		echo "== $$kernel"; \
		tests/vm/run --kernel $$kernel --timeout 7200 -- \
			$(BUILD)/tests/attack --count $(COUNT) --seed $(SEED) --progress 10 \
			$(FUZZ)/images || exit; done

# What mkimage makes of random trees and layers, mounted.
check-trees: COUNT = 200
check-trees: SEED = 0
check-trees:
	scripts/install-deps build vm
	$(MAKE) tools modules
	for kernel in $(KERNELS); do \
		tests/trees/run --kernel $$kernel --seed $(SEED) \
			--count $(COUNT) || exit; done

$(BUILD)/tests/faulttool: $(BUILD)/obj/tests/debug/faulttool.o
	@mkdir -p $(@D)
	$(LINK) $(if $(SANITIZE),,-static) -o $@ $^

.PHONY: unit-tests
unit-tests: $(UNIT_TESTS)

include tests/fuzz/fuzz.mk

# The module, once for each kernel whose headers are installed, and on demand
# for the tests' own kernels and Debian's newest: the sources are linked into a
# directory of their own, since Kbuild builds in place.
MODULE_SOURCES := $(wildcard dm-incremental/*.[ch] dm-incremental/Kbuild \
	dm-incremental/*.sh dm-incremental/include/uapi/linux/*.h)

kbuild	= build=$$$$(scripts/kernel-release --build $(1)) && $$(MAKE) -C $$$$build
define module
.PHONY: module-$(1)
module-$(1): build/kernel-$(1)/dm-incremental.ko
build/kernel-$(1)/dm-incremental.ko: $(MODULE_SOURCES)
	@mkdir -p $$(@D)
	@cp -rsf $(CURDIR)/dm-incremental/. $$(@D)/
	$(2) M=$(CURDIR)/$$(@D) WERROR=$$(WERROR) $(if $(filter debug,$(1)),DELAYS=y) modules
	@touch $$@
endef
$(foreach k,$(KERNELS) debug ipe,$(eval $(call module,$(k),$(call kbuild,$(k)))))
# Unstable's own make; the release changes every week.
$(eval $(call module,newest,+scripts/newest-kernel --make))
build/kernel-newest/dm-incremental.ko: $(wildcard \
	$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/dm-incremental/newest-kernel/current/release)
modules: $(KERNELS:%=module-%)

# The programs of a check that are built for it.
.PHONY: test-programs
test-programs: unit-tests $(BUILD)/tests/loadertool $(BUILD)/tests/livetool \
		$(BUILD)/tests/origintool $(BUILD)/tests/attack \
		$(BUILD)/tests/faulttool $(EXAMPLES) fuzz-images

# From a machine that has nothing. TESTS narrows it down:
# make check TESTS="tests/kernel/6.12.t"
# One more at a time than there are processors, as tests in the VM often wait. JOBS=1
# does one after the other.
JOBS	?= $(shell echo $$(($$(nproc) + 1)))
# The long ones come first, so that no processor is left with nothing to do while
# the last of them goes on alone.
FIRST	:= tests/kernel/6.1.t tests/kernel/6.12.t tests/loader/6.12.t \
	   tests/demo.t tests/vm/selftest.t tests/loader/6.1.t \
	   tests/trees/trees.t tests/mkimage/extend.t
TESTS	?= $(FIRST) $(UNIT_TESTS) $(filter-out $(FIRST),\
		$(sort $(wildcard tests/*/*.t) $(wildcard tests/*.t)))
TIMES_FILE := build/check-times
check:
	@echo "== packages"
	scripts/install-deps build test fuzz lint deb packages
	@for kernel in $(KERNELS); do \
		scripts/fetch-kernel $$kernel >/dev/null || exit; done
	@scripts/fetch-jre >/dev/null
	@echo "== build"
	$(MAKE) -j$(JOBS) WERROR=1 tools modules test-programs fuzz-targets
	$(MAKE) -j$(JOBS) WERROR=1 SANITIZE=1 unit-tests build/sanitize/mkimage
	@echo "== tests"
	@rm -f $(TIMES_FILE)
	@status=0; \
	CMOCKA_MESSAGE_OUTPUT=TAP prove -j$(JOBS) --timer --failures \
		--exec 'tests/timed $(TIMES_FILE)' $(TESTS) || status=$$?; \
	tests/timed --report $(TIMES_FILE); exit $$status

# A test that leaves something to this says what, on stderr.
check-long: export CHECK_LONG := 1
check-long: check

# The kernel tests where the kernel may be preempted anywhere, and checks all of
# its slabs: some races show only there. Not part of check.
check-preempt:
	@echo "== packages"
	scripts/install-deps build test
	@echo "== build"
	$(MAKE) -j$(JOBS) WERROR=1 tools modules test-programs
	@echo "== tests"
	prove -j$(JOBS) --timer --failures tests/preempt/6.1 tests/preempt/6.12

# The tests that take a kernel, on the newest of Debian unstable. That one changes every
# week, so this is not part of check; where it is not to be had, the tests are skipped.
check-newest:
	@echo "== packages"
	scripts/install-deps build test demo
	@echo "== kernel"
	@scripts/newest-kernel --update || [ $$? = 3 ]
	@scripts/fetch-jre >/dev/null
	@echo "== build"
	$(MAKE) -j$(JOBS) WERROR=1 tools test-programs
	@! scripts/newest-kernel --fetched >/dev/null || $(MAKE) WERROR=1 module-newest
	@echo "== tests"
	prove -j$(JOBS) --timer --failures tests/newest/kernel tests/newest/loader tests/newest/demo

# The kernel tests on a kernel that finds mistakes, and with faults on purpose.
# Not part of check: see docs/testing.md for how long it takes.
check-debug:
	@echo "== packages"
	scripts/install-deps build test debug
	@echo "== debug kernel"
	@scripts/build-kernel debug
	@echo "== build"
	$(MAKE) -j$(JOBS) WERROR=1 tools module-debug test-programs
	@echo "== tests"
	prove -j$(JOBS) --timer --failures tests/debug/kernel-cases-[123] \
		tests/debug/debug-cases

# Policies of the security module IPE, on a kernel that takes ours.
check-ipe:
	@echo "== packages"
	scripts/install-deps build test ipe
	@echo "== kernel"
	@scripts/build-kernel ipe
	@echo "== build"
	$(MAKE) -j$(JOBS) WERROR=1 tools module-ipe test-programs
	@echo "== tests"
	prove --timer --failures tests/ipe/policies

# The Debian packages, installed, used, upgraded and purged where systemd and udev run.
check-packages:
	@echo "== packages"
	scripts/install-deps build vm deb packages
	@echo "== tests"
	prove --timer --failures tests/packages/booted

# Long tests, one for each kernel: the damage matrix, with a power cut at each second; servers
# and networks that fail; filesystems. Not part of check, but for a short part: see
# docs/testing.md.
LONG_GROUPS :=
check-damage:	   LONG_TESTS := $(KERNELS:%=tests/damage/matrix-%)
check-chaos:	   LONG_TESTS := $(KERNELS:%=tests/chaos/kernel-%)
check-filesystems: LONG_TESTS := $(KERNELS:%=tests/filesystems/kernel-%)
check-filesystems: LONG_GROUPS := filesystems
check-damage check-chaos check-filesystems:
	@echo "== packages"
	scripts/install-deps build test $(LONG_GROUPS)
	@for kernel in $(KERNELS); do \
		scripts/fetch-kernel $$kernel >/dev/null || exit; done
	@echo "== build"
	$(MAKE) -j$(JOBS) WERROR=1 tools modules test-programs
	@echo "== tests"
	prove -j$(JOBS) --timer --failures $(LONG_TESTS)

# Images of every kind of source, on each kernel.
check-sources:
	@echo "== packages"
	scripts/install-deps build test
	@echo "== build"
	$(MAKE) -j$(JOBS) WERROR=1 tools modules
	@echo "== tests"
	for kernel in $(KERNELS); do tests/sources/run --kernel $$kernel || exit; done

# Filesystems as others make them, extended, and read by the kernel.
check-layouts:
	@echo "== packages"
	scripts/install-deps build test
	@echo "== build"
	$(MAKE) -j$(JOBS) WERROR=1 tools
	@echo "== tests"
	tests/layouts/run

demo:
	@echo "== packages"
	scripts/install-deps build demo
	@echo "== build"
	$(MAKE) tools modules
	@echo "== demo"
	demo/run

deb:
	scripts/install-deps build deb
	scripts/make-deb

BENCH	?= $(patsubst bench/cases/%.sh,%,$(wildcard bench/cases/*.sh))
bench:
	for name in $(BENCH); do bench/run $$name --json || exit; done

MAN	:= $(wildcard docs/man/*.[1-8])
# The names of mkimage, whose first gets the file and whose others lead to it. u-boot's
# tools have a mkimage, so a package may have just the other: image_tool=incimage. Then
# the manual pages say that name, too.
image_tool ?= mkimage incimage
# Where dmeventd's plug-in goes, with a link from $(libdir), where the linker looks.
plugindir ?= $(libdir)
nbdkitdir ?= $(libdir)/nbdkit/plugins
pythondir ?= $(prefix)/lib/python3/dist-packages
first_name = $(firstword $(image_tool))

# For systemd and udev; they name programs in /usr/sbin.
SYSTEM_FILES := $(wildcard userspace/systemd/*.service userspace/udev/*.rules)

install: tools
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(sbindir) \
		$(DESTDIR)$(mandir)/man1 $(DESTDIR)$(mandir)/man5 $(DESTDIR)$(mandir)/man8 \
		$(DESTDIR)$(includedir)/linux \
		$(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(pythondir) \
		$(DESTDIR)$(nbdkitdir) $(DESTDIR)$(plugindir)
	$(INSTALL) $(BUILD)/mkimage $(DESTDIR)$(bindir)/$(first_name)
	$(INSTALL) $(BUILD)/incrementald $(BUILD)/incrementalsetup $(BUILD)/incrementalblk \
		$(DESTDIR)$(sbindir)
	$(INSTALL) -d $(DESTDIR)$(completionsdir) $(DESTDIR)$(zshdir)
	$(INSTALL) -m 644 userspace/completion/_incremental $(DESTDIR)$(zshdir)
	$(INSTALL) -m 644 userspace/completion/incremental.bash $(DESTDIR)$(completionsdir)/incrementalsetup
	set -e; for name in incrementald incrementalblk $(image_tool); do \
		ln -sf incrementalsetup $(DESTDIR)$(completionsdir)/$$name; done
	$(INSTALL) -d $(DESTDIR)$(unitdir) $(DESTDIR)$(generatordir) $(DESTDIR)$(udevrulesdir)
	set -e; for file in $(SYSTEM_FILES); do \
		case $$file in *.rules) to=$(udevrulesdir) ;; *) to=$(unitdir) ;; esac; \
		sed 's,/usr/sbin/,$(sbindir)/,' $$file | \
			$(INSTALL) -m 644 /dev/stdin $(DESTDIR)$$to/$${file##*/}; done
	$(INSTALL) -d $(DESTDIR)$(initramfsdir)/hooks $(DESTDIR)$(initramfsdir)/scripts/local-top
	$(INSTALL) userspace/initramfs-tools/hook $(DESTDIR)$(initramfsdir)/hooks/incremental
	$(INSTALL) userspace/initramfs-tools/local-top $(DESTDIR)$(initramfsdir)/scripts/local-top/incremental
	ln -sf $(sbindir)/incrementalsetup $(DESTDIR)$(generatordir)/incremental-generator
	ln -sf incrementalsetup $(DESTDIR)$(sbindir)/mount.incremental
	ln -sf incrementalsetup $(DESTDIR)$(sbindir)/umount.incremental
	set -e; for page in $(MAN); do \
		name=$${page##*/}; \
		[ $$name != mkimage.1 ] || name=$(first_name).1; \
		sed 's/\bmkimage\b/$(first_name)/g; s/^\.TH MKIMAGE/.TH \U$(first_name)/' $$page | \
			$(INSTALL) -m 644 /dev/stdin $(DESTDIR)$(mandir)/man$${name##*.}/$$name; done
	ln -sf mount.incremental.8 $(DESTDIR)$(mandir)/man8/umount.incremental.8
	set -e; for name in $(wordlist 2,9,$(image_tool)); do \
		ln -sf $(first_name) $(DESTDIR)$(bindir)/$$name; \
		ln -sf $(first_name).1 $(DESTDIR)$(mandir)/man1/$$name.1; done
	$(INSTALL) -m 644 dm-incremental/include/uapi/linux/dm-incremental.h \
		$(DESTDIR)$(includedir)/linux
	$(INSTALL) -m 644 userspace/libincremental/include/incremental.h \
		$(DESTDIR)$(includedir)
	$(INSTALL) -m 644 $(LIB) $(DESTDIR)$(libdir)
	$(INSTALL) -m 644 $(SHARED) $(DESTDIR)$(libdir)/libincremental.so.0.$(VERSION)
	ln -sf libincremental.so.0.$(VERSION) $(DESTDIR)$(libdir)/libincremental.so.0
	ln -sf libincremental.so.0 $(DESTDIR)$(libdir)/libincremental.so
	sed 's,@prefix@,$(prefix),; s,@libdir@,$(libdir),; s,@includedir@,$(includedir),; s,@version@,$(VERSION),' \
		userspace/libincremental/incremental.pc.in | \
		$(INSTALL) -m 644 /dev/stdin $(DESTDIR)$(libdir)/pkgconfig/incremental.pc
	$(INSTALL) -m 644 $(NBDKIT) $(DESTDIR)$(nbdkitdir)
	$(INSTALL) -m 644 userspace/libincremental/python/dm_incremental.py $(DESTDIR)$(pythondir)
	$(INSTALL) -m 644 $(PLUGIN) $(DESTDIR)$(plugindir)
	$(if $(filter-out $(libdir),$(plugindir)),ln -sf \
		$(patsubst $(libdir)/%,%,$(plugindir))/$(notdir $(PLUGIN)) $(DESTDIR)$(libdir))
	@echo "The kernel module is not installed: it belongs to one kernel." \
		"build/kernel-*/dm-incremental.ko are those that were built."

uninstall:
	rm -f $(addprefix $(DESTDIR)$(bindir)/,$(image_tool)) \
		$(addsuffix .1,$(addprefix $(DESTDIR)$(mandir)/man1/,$(image_tool))) \
		$(DESTDIR)$(sbindir)/incrementald \
		$(DESTDIR)$(sbindir)/incrementalsetup \
		$(DESTDIR)$(sbindir)/incrementalblk \
		$(DESTDIR)$(generatordir)/incremental-generator \
		$(DESTDIR)$(initramfsdir)/hooks/incremental \
		$(DESTDIR)$(initramfsdir)/scripts/local-top/incremental \
		$(addprefix $(DESTDIR)$(udevrulesdir)/,$(notdir $(filter %.rules,$(SYSTEM_FILES)))) \
		$(addprefix $(DESTDIR)$(unitdir)/,$(notdir $(filter %.service,$(SYSTEM_FILES)))) \
		$(DESTDIR)$(sbindir)/mount.incremental \
		$(DESTDIR)$(sbindir)/umount.incremental \
		$(DESTDIR)$(mandir)/man8/umount.incremental.8 \
		$(DESTDIR)$(includedir)/linux/dm-incremental.h \
		$(DESTDIR)$(includedir)/incremental.h \
		$(addprefix $(DESTDIR)$(libdir)/libincremental.,a so so.0 so.0.$(VERSION)) \
		$(DESTDIR)$(libdir)/pkgconfig/incremental.pc \
		$(DESTDIR)$(pythondir)/dm_incremental.py \
		$(DESTDIR)$(nbdkitdir)/$(notdir $(NBDKIT)) \
		$(DESTDIR)$(libdir)/$(notdir $(PLUGIN)) \
		$(DESTDIR)$(plugindir)/$(notdir $(PLUGIN))
	rm -f $(addprefix $(DESTDIR)$(completionsdir)/,incrementalsetup incrementald incrementalblk $(image_tool))
	rm -f $(DESTDIR)$(zshdir)/_incremental
	for page in $(notdir $(MAN)); do \
		rm -f $(DESTDIR)$(mandir)/man$${page##*.}/$$page; done

clean:
	rm -rf build

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
