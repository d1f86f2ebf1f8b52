# SPDX-License-Identifier: GPL-2.0-or-later
#
# libFuzzer targets, with ASan, UBSan and coverage; see docs/testing.md.
#
# make fuzz [SECONDS=N] [TARGET=NAME]	run them, 60 s each
# make fuzz-coverage			lines that the corpora reach

FUZZ_CC	?= clang
FUZZ	:= build/fuzz
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
SECONDS	?= 60

# Clang knows no static_assert() without a message in C11.
FUZZ_FLAGS = $(FLAGS) $(PKG_CFLAGS) -g -O1 -Wno-c2x-extensions -Wno-unused-command-line-argument \
	-fno-omit-frame-pointer \
	-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all \
	-fprofile-instr-generate -fcoverage-mapping

fuzz-obj = $(patsubst %.c,$(FUZZ)/obj/%.o,$(1))

FUZZ_SRC_format	:= tests/fuzz/edit.c tests/fuzz/seeds.c
FUZZ_SRC_image	:= tests/fuzz/edit.c tests/fuzz/seeds.c
FUZZ_SRC_chain	:= tests/fuzz/edit.c tests/fuzz/seeds.c
FUZZ_SRC_http	:= $(wildcard userspace/origin/*.c userspace/common/*.c)
FUZZ_SRC_mkimage := tests/fuzz/edit.c tests/fuzz/seeds.c \
	$(filter-out mkimage/main.c,$(SRC_mkimage))
FUZZ_SRC_files	:= $(filter-out mkimage/main.c,$(SRC_mkimage))
FUZZ_SRC_sources := $(filter-out mkimage/main.c,$(SRC_mkimage))
FUZZ_SRC_parse	:= userspace/common/parse.c
PKGS_fuzz_http	:= $(PKGS_origin)
PKGS_fuzz_mkimage := $(PKGS_mkimage)
PKGS_fuzz_files	:= $(PKGS_mkimage)
PKGS_fuzz_sources := $(PKGS_mkimage)

$(FUZZ)/obj/%.o: %.c Makefile tests/fuzz/fuzz.mk
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

define fuzz-target
$(FUZZ)/$(1): $(call fuzz-obj,tests/fuzz/fuzz_$(1).c $(FUZZ_SRC_$(1)) $(SRC_libincremental))
	$$(FUZZ_CC) $$(FUZZ_FLAGS) -fsanitize=fuzzer -o $$@ $$^ $$(call libs,fuzz_$(1)) $$(call libs,libincremental)
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz-target,$(t))))

# The images that scripts edit.
$(FUZZ)/images/stamp: tests/fuzz/make-images $(BUILD)/mkimage $(BUILD)/tests/loadertool
	tests/fuzz/make-images $(@D)
	@touch $@

# The filesystems that the target "files" edits.
$(FUZZ)/filesystems/stamp: tests/fuzz/make-filesystems tests/mkimage/hostile.py $(BUILD)/mkimage
	tests/fuzz/make-filesystems $(@D)
	@touch $@

.PHONY: fuzz fuzz-targets fuzz-images fuzz-coverage
fuzz-images: $(FUZZ)/images/stamp
fuzz-targets: $(FUZZ_TARGETS:%=$(FUZZ)/%) fuzz-images $(FUZZ)/filesystems/stamp

fuzz:
	scripts/install-deps build fuzz
	$(MAKE) fuzz-targets
	tests/fuzz/run --seconds $(SECONDS) $(TARGET)

fuzz-coverage:
	scripts/install-deps build fuzz
	$(MAKE) fuzz-targets
	tests/fuzz/run --coverage $(TARGET)

-include $(shell find $(FUZZ)/obj -name '*.d' 2>/dev/null)
