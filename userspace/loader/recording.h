/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recording which blocks of the device are read, as long as the loader runs. A
 * process of its own does it, with the caller's rights, which the kernel's tracing
 * takes; it reads nothing from the loader.
 */
#ifndef LOADER_RECORDING_H
#define LOADER_RECORDING_H

#include "node/device.h"

/**
 * struct recording - a connection to it
 * @socket: -1: there is none
 * @ahead: as long as it is open, the devices' readahead fails; -1: it does not
 */
struct recording {
	int socket;
	int ahead;
};

/*
 * Record reads of the devices that have the image of @device open now, to the file
 * @path, which is replaced; NULL: do not. Called with the caller's rights, before
 * there are threads. Return: 0 or -errno.
 */
int recording_start(struct recording *recording, const struct device *device,
		    const char *path, struct incr_error *error);

/* The trace is complete, and what was set up for it removed. */
void recording_end(struct recording *recording);

#endif /* LOADER_RECORDING_H */
