// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ublk's control; see ublk.h.
 */
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/ublk_cmd.h>
#include "block-server/ublk.h"
#include "common/modprobe.h"

#define CONTROL		"/dev/ublk-control"
#define DEPTH		64u
#define QUEUES_MAX	4u
#define BUFFER		(256u << 10)
/* How often, and how long, a server's death is waited for. */
#define PAUSE		50000u	/* us */
#define ATTEMPTS	200

/* Newer than the headers may be: UBLK_U_CMD_DEL_DEV_ASYNC of Linux 6.9. */
#define DEL_DEV_ASYNC	0x14

enum command {
	GET_INFO	= UBLK_COMMAND(_IOC_READ, UBLK_CMD_GET_DEV_INFO, struct ublksrv_ctrl_cmd),
#define COMMAND(number)	UBLK_COMMAND(_IOC_READ | _IOC_WRITE, number, struct ublksrv_ctrl_cmd)
	ADD		= COMMAND(UBLK_CMD_ADD_DEV),
	DELETE		= COMMAND(UBLK_CMD_DEL_DEV),
	DELETE_LATER	= UBLK_COMMAND(_IOC_READ, DEL_DEV_ASYNC, struct ublksrv_ctrl_cmd),
	START		= COMMAND(UBLK_CMD_START_DEV),
	STOP		= COMMAND(UBLK_CMD_STOP_DEV),
	SET_PARAMS	= COMMAND(UBLK_CMD_SET_PARAMS),
	TAKE_OVER	= COMMAND(UBLK_CMD_START_USER_RECOVERY),
	TAKEN_OVER	= COMMAND(UBLK_CMD_END_USER_RECOVERY),
};

/* Run a command on a ring of its own: there are few. Return: 0 or -errno. */
static int run(struct ublk *ublk, enum command number, void *data, size_t size,
	       u64 argument)
{
	struct ublksrv_ctrl_cmd command = {
		.dev_id = ublk->number,
		.queue_id = UINT16_MAX,
		.addr = (uintptr_t)data,
		.len = (u16)size,
		.data[0] = argument,
	};
	struct io_uring_params params = { .flags = IORING_SETUP_SQE128 };
	struct io_uring_sqe *entry;
	struct io_uring_cqe *end;
	struct io_uring ring;
	int err;

	err = io_uring_queue_init_params(2, &ring, &params);
	if (err)
		return err;
	entry = io_uring_get_sqe(&ring);
	io_uring_prep_rw(IORING_OP_URING_CMD, entry, ublk->control, NULL, 0, 0);
	entry->cmd_op = (u32)number;
	memcpy(entry->cmd, &command, sizeof(command));
	err = io_uring_submit(&ring);
	while (err >= 0 && (err = io_uring_wait_cqe(&ring, &end)) == -EINTR)
		;
	if (!err)
		err = end->res;
	io_uring_queue_exit(&ring);
	return err < 0 ? err : 0;
}

static int failed(const struct ublk *ublk, int err, const char *what,
		  struct incr_error *error)
{
	return err ? incr_fail(error, err, "cannot %s " UBLK_NAME "%u: %s", what,
			       ublk->number, strerror(-err)) : 0;
}

/* Is there a ublk with these commands, and a ring to give them by? */
static int probe(struct ublk *ublk, struct incr_error *error)
{
	struct ublksrv_ctrl_dev_info info = { .dev_id = 0 };
	int err;

	ublk->number = 0;
	err = run(ublk, GET_INFO, &info, sizeof(info), 0);
	ublk->number = NO_DEVICE;
	/* Without device 0 it says so. */
	if (!err || err == -ENODEV || err == -EINVAL || err == -ENOENT)
		return 0;
	return incr_fail(error, err == -ENOMEM ? err : -ENODEV,
			 "the kernel's ublk cannot be used: %s", strerror(-err));
}

int ublk_open(struct ublk *ublk, struct incr_error *error)
{
	*ublk = (struct ublk){ .number = NO_DEVICE };
	ublk->control = open(CONTROL, O_RDWR | O_CLOEXEC);
	if (ublk->control < 0 && errno == ENOENT) {
		modprobe("ublk_drv");
		ublk->control = open(CONTROL, O_RDWR | O_CLOEXEC);
	}
	if (ublk->control >= 0)
		return probe(ublk, error);
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return incr_fail(error, -ENODEV,
				 "the kernel has no ublk: load ublk_drv.ko");
	return incr_fail(error, -errno, "cannot open " CONTROL ": %s",
			 strerror(errno));
}

void ublk_close(struct ublk *ublk)
{
	if (ublk->control >= 0)
		close(ublk->control);
}

static void take_info(struct ublk *ublk, const struct ublksrv_ctrl_dev_info *info)
{
	ublk->number = info->dev_id;
	ublk->queues = info->nr_hw_queues;
	ublk->depth = info->queue_depth;
	ublk->buffer = info->max_io_buf_bytes;
}

int ublk_add(struct ublk *ublk, u64 size, struct incr_error *error)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct ublksrv_ctrl_dev_info info = {
		.nr_hw_queues = processors > 0 && processors < (long)QUEUES_MAX ?
				(u16)processors : QUEUES_MAX,
		.queue_depth = DEPTH,
		.max_io_buf_bytes = BUFFER,
		.dev_id = NO_DEVICE,
		/* Reads can be given to the next server. */
		.flags = UBLK_F_USER_RECOVERY | UBLK_F_USER_RECOVERY_REISSUE,
	};
	struct ublk_params params = {
		.len = sizeof(params),
		.types = UBLK_PARAM_TYPE_BASIC,
		.basic = {
			.attrs = UBLK_ATTR_READ_ONLY,
			.logical_bs_shift = INC_BLOCK_SHIFT,
			.physical_bs_shift = INC_BLOCK_SHIFT,
			.io_min_shift = INC_BLOCK_SHIFT,
			.io_opt_shift = INC_BLOCK_SHIFT,
			.max_sectors = BUFFER >> 9,
			.dev_sectors = size >> 9,
		},
	};
	struct incr_error ignored;
	int err;

	err = run(ublk, ADD, &info, sizeof(info), 0);
	if (err)
		return incr_fail(error, err, "cannot make a ublk device: %s",
				 strerror(-err));
	take_info(ublk, &info);
	err = run(ublk, SET_PARAMS, &params, sizeof(params), 0);
	if (err) {
		failed(ublk, err, "describe", error);
		ublk_delete(ublk, &ignored);
	}
	return err;
}

int ublk_take_over(struct ublk *ublk, struct incr_error *error)
{
	struct ublksrv_ctrl_dev_info info;
	int err, i;

	err = run(ublk, GET_INFO, &info, sizeof(info), 0);
	if (err)
		return failed(ublk, err, "look at", error);
	take_info(ublk, &info);
	for (i = 0; i < ATTEMPTS; i++) {
		err = run(ublk, TAKE_OVER, NULL, 0, 0);
		if (err != -EBUSY)
			break;
		usleep(PAUSE);
	}
	return failed(ublk, err, "take over", error);
}

int ublk_start(struct ublk *ublk, bool anew, struct incr_error *error)
{
	return failed(ublk, run(ublk, anew ? TAKEN_OVER : START, NULL, 0,
				(u64)getpid()), "start", error);
}

int ublk_stop(struct ublk *ublk, struct incr_error *error)
{
	return failed(ublk, run(ublk, STOP, NULL, 0, 0), "stop", error);
}

int ublk_delete(struct ublk *ublk, struct incr_error *error)
{
	/* The other one waits until nobody has the block device open any more. */
	int err = run(ublk, DELETE_LATER, NULL, 0, 0);

	if (err && err != -ENODEV)
		err = run(ublk, DELETE, NULL, 0, 0);
	return failed(ublk, err, "delete", error);
}

int ublk_remove(u32 number, struct incr_error *error)
{
	struct ublk ublk;
	int err = ublk_open(&ublk, error);

	ublk.number = number;
	if (!err)
		err = ublk_stop(&ublk, error);
	if (!err)
		err = ublk_delete(&ublk, error);
	ublk_close(&ublk);
	return err;
}

int ublk_server(struct ublk *ublk, struct incr_error *error)
{
	struct ublksrv_ctrl_dev_info info;
	int err = run(ublk, GET_INFO, &info, sizeof(info), 0);

	return err ? failed(ublk, err, "look at", error) : info.ublksrv_pid;
}
