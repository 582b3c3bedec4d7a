/* Bringing up the harts. */
#pragma once

/* Number the harts of the machine: the one that runs this is cpu 0. */
void smp_init_boot_hart(void);
/* Start the others, and wait until they run. */
void smp_start_others(void);
