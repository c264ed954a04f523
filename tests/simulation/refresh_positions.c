/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does once what the leader does once a second for queue positions, and prints its processor time.
 *
 * usage: refresh_positions CONNINFO BATCH_SIZE
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "db/connection.h"
#include "jobs/positions.h"

int main(int count, char **arguments)
{
    if (count != 3) {
        fprintf(stderr, "usage: refresh_positions CONNINFO BATCH_SIZE\n");
        return 2;
    }
    const ConnectionProfile profile = {.conninfo = arguments[1],
                                       .application_name = "refresh_positions"};
    Error error = {0};
    AUTO_CONNECTION *connection = NULL;
    unsigned batch_size = (unsigned)strtoul(arguments[2], NULL, 10);
    if (!connection_open(&profile, &connection, &error)) {
        fprintf(stderr, "%s: %s\n", error.message, error.cause);
        return 1;
    }
    clock_t begun = clock(); /* tidy: allow the time that the program itself takes */
    if (!positions_refresh(connection, batch_size, &error)) {
        fprintf(stderr, "%s: %s\n", error.message, error.cause);
        return 1;
    }
    printf("cpu_ms %.1f\n",
           (double)(clock() - begun) * 1000 / CLOCKS_PER_SEC); /* tidy: allow as above */
    return 0;
}
