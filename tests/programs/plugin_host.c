/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plugin_host.c MODE:PLUGIN ... - opens the plugins in order and calls each, then calls each again, closes all from the
 * last to the first, and does everything once more, when another library may be loaded at the address of the first one.
 * Each plugin is called 4 times. MODE is local, global or deepbind; or promote, for a plugin that is open and is to
 * join the global scope. With -DKEEP_OPEN the program ends after 2 calls of each, and closes nothing.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLUGINS_MAX = 8, ROUNDS = 2 };

struct plugin {
	void *handle;
	int (*main)(void);
};

static struct plugin open_plugin(const char *argument)
{
	const char *colon = strchr(argument, ':');
	int flags = RTLD_NOW;
	struct plugin plugin = {0};

	if (!colon)
		exit(2);
	flags |= strncmp(argument, "global", 6) ? RTLD_LOCAL : RTLD_GLOBAL;
	if (!strncmp(argument, "promote", 7))
		flags = RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL;
	if (!strncmp(argument, "deepbind", 8))
		flags |= RTLD_DEEPBIND;
	plugin.handle = dlopen(colon + 1, flags);
	if (plugin.handle)
		*(void **)&plugin.main = dlsym(plugin.handle, "plugin_main");
	if (!plugin.main) {
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
	return plugin;
}

int main(int argc, char **argv)
{
	struct plugin plugins[PLUGINS_MAX];
	int count = argc - 1, wrong = 0;

	if (count > PLUGINS_MAX)
		return 2;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < count; i++) {
			plugins[i] = open_plugin(argv[i + 1]);
			wrong |= plugins[i].main();
		}
		for (int i = 0; i < count; i++)
			wrong |= plugins[i].main();
#ifdef KEEP_OPEN
		return wrong;
#endif
		for (int i = count - 1; i >= 0; i--)
			dlclose(plugins[i].handle);
		/* The second round opens the plugins in the reverse order. */
		for (int i = 0; i < count / 2; i++) {
			char *swap = argv[i + 1];

			argv[i + 1] = argv[count - i];
			argv[count - i] = swap;
		}
	}
	return wrong;
}
