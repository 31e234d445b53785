/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_routers FILE...: says what is wrong in a routers.conf, and ends with 1 if anything is. */
#include <stdio.h>

#include "natd/ctl/routers.h"

int main(int argc, char **argv)
{
	char error[ROUTERS_ERROR_MAX];
	int bad = 0;

	for (int i = 1; i < argc; i++) {
		json_t *routers = routers_read(argv[i], false, error);

		if (!routers) {
			fprintf(stderr, "%s\n", error);
			bad = 1;
		}
		json_decref(routers);
	}
	return bad;
}
