/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loop devices and mapped devices by ioctl, for tests that make thousands of
 * them: without starting a program or waiting for udev.
 */
#ifndef TEST_DMDEVICE_H
#define TEST_DMDEVICE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct loop - a loop device
 * @fd: of the device
 * @number: of the device: /dev/loopN
 */
struct loop {
	int fd;
	unsigned int number;
};

/* Put @file, which is open for reading and writing, behind a loop device. */
int loop_attach(struct loop *loop, int file);
/* The file's size has changed. */
int loop_resized(const struct loop *loop);
int loop_detach(struct loop *loop);

/*
 * Create read-only device @name with one target of @sectors. Return: 0 or a
 * negative errno, and then there is no such device. @fd is of the device,
 * opened with O_DIRECT; the caller closes it before dm_remove().
 */
int dm_create(const char *name, uint64_t sectors, const char *target,
	      const char *parameters, int *fd);
int dm_remove(const char *name);

#endif /* TEST_DMDEVICE_H */
