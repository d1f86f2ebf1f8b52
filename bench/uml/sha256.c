// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For bench/uml/build: SHA-256 by the processor's own instructions in a user-mode kernel, which
 * has the generic C only, and that kernel's processor time.
 *
 * In /sys/module/bench/parameters "generic" asks for the generic C after all, and "cpu_ns" is the
 * nanoseconds that the host has given to the kernel's process, without those of programs.
 */
#include <crypto/internal/hash.h>
#include <crypto/sha2.h>
#include <crypto/sha256_base.h>
#include <linux/init.h>
#include <linux/module.h>

#undef KBUILD_MODNAME
#define KBUILD_MODNAME "bench"
#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "bench."

long long bench_cpu_ns(void);	/* arch/um/os-Linux/time.c, added by bench/uml/build */
asmlinkage void sha256_ni_transform(struct sha256_state *state, const u8 *data, int blocks);

static bool generic;
module_param(generic, bool, 0644);

static int get_cpu_ns(char *buffer, const struct kernel_param *param)
{
	return sprintf(buffer, "%lld\n", bench_cpu_ns());
}

static const struct kernel_param_ops cpu_ns_ops = { .get = get_cpu_ns };
module_param_cb(cpu_ns, &cpu_ns_ops, NULL, 0444);

static int update(struct shash_desc *desc, const u8 *data, unsigned int length)
{
	if (generic)
		return crypto_sha256_update(desc, data, length);
	return sha256_base_do_update(desc, data, length, sha256_ni_transform);
}

static int finup(struct shash_desc *desc, const u8 *data, unsigned int length, u8 *digest)
{
	if (generic)
		return crypto_sha256_finup(desc, data, length, digest);
	if (length)
		sha256_base_do_update(desc, data, length, sha256_ni_transform);
	sha256_base_do_finalize(desc, sha256_ni_transform);
	return sha256_base_finish(desc, digest);
}

static int final(struct shash_desc *desc, u8 *digest)
{
	return finup(desc, NULL, 0, digest);
}

static struct shash_alg algorithm = {
	.digestsize = SHA256_DIGEST_SIZE,
	.descsize = sizeof(struct sha256_state),
	.init = sha256_base_init,
	.update = update,
	.final = final,
	.finup = finup,
	.base = {
		.cra_name = "sha256",
		.cra_driver_name = "sha256-bench",
		.cra_priority = 300,
		.cra_blocksize = SHA256_BLOCK_SIZE,
		.cra_module = THIS_MODULE,
	},
};

static int __init bench_init(void)
{
	return crypto_register_shash(&algorithm);
}
subsys_initcall(bench_init);

MODULE_DESCRIPTION("SHA-256 and the kernel's processor time, for bench/run");
MODULE_LICENSE("GPL");
