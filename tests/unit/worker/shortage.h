/* A system that refuses event loops: uv_loop_init of these programs, in front of libuv's. */
#pragma once

/* So many loops are still given, then none until the shortage is over. */
void shortage_after(int loops);
void shortage_over(void);
