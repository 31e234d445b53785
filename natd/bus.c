/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/bus.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

/* Its ABI, which has been the same since sd-bus was made public (systemd 221). */
#define LIBRARY "libsystemd.so.0"

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
#define BUS_SYMBOL(name) { "sd_bus_" #name, offsetof(struct bus_calls, name) },
	BUS_CALLS(BUS_SYMBOL)
#undef BUS_SYMBOL
};

const struct bus_calls *bus_load(const char **why)
{
	static struct bus_calls calls;
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; library && i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *call = dlsym(library, symbols[i].name);

		if (!call)
			library = NULL;
		/* ISO C has no cast from an object's pointer to a function's; dlsym(3) */
		memcpy((char *)&calls + symbols[i].offset, &call, sizeof(call));
	}
	if (library)
		return &calls;
	*why = dlerror();
	return NULL;
}
