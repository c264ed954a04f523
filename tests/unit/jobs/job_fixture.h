/* SPDX-License-Identifier: Apache-2.0 */
/* A job with a scratch folder and an object store of its own, in a temporary folder. */
#pragma once
#include "unit_test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "jobs/job.h"
#include "objectstore/objectstore.h"
#include "json/reader.h"

#define FIXTURE_OUTPUT(name)                                                                       \
    "{\"name\":\"" name "\",\"mime_type\":\"text/csv\",\"metadata_schema\":{},"                    \
    "\"scope\":\"ITEM\",\"visibility\":\"EXTERNAL\"}"

static const char FIXTURE_MANIFEST[] =
    "{\"application_id\":\"a\",\"name\":\"N\",\"description\":\"D\",\"regulatory_classes\":["
    "\"RUO\"],"
    "\"version_number\":\"1.0.0\",\"changelog\":\"C\",\"released_at\":\"2026-01-01T00:00:00Z\","
    "\"input_artifacts\":[{\"name\":\"slide\",\"mime_type\":\"image/"
    "tiff\",\"metadata_schema\":{}}],"
    "\"output_artifacts\":[" FIXTURE_OUTPUT("a:one") "," FIXTURE_OUTPUT(
        "b:two") "],"
                 "\"command\":[\"./run\"]}";

typedef struct JobFixture {
    char folder[64];
    char *scratch;
    ObjectStore *store;
    Job job;
    JobReport report;
} JobFixture;

static inline void fixture_write(const JobFixture *fixture, const char *name, const char *content)
{
    Error error = {0};
    AUTO_FREE char *path = alloc_format("%s/%s", fixture->scratch, name);
    assert_true(file_write(path, text_of(content), 0644, &error));
}

static inline void fixture_set_inputs(JobFixture *fixture, const char *json)
{
    Error error = {0};
    json_decref(fixture->job.input_artifacts);
    assert_true(document_parse(text_of(json), &fixture->job.input_artifacts, &error));
}

static inline int fixture_setup(void **state)
{
    JobFixture *fixture = ALLOC_NEW(JobFixture);
    Error error = {0};
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/slideway-unit-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->scratch = alloc_format("%s/scratch", fixture->folder);
    AUTO_FREE char *output = alloc_format("%s/output", fixture->scratch);
    AUTO_FREE char *objects = alloc_format("%s/objects", fixture->folder);
    assert_true(folder_create(output, 0755, &error));
    assert_true(objectstore_open(objects, &fixture->store, &error));
    assert_true(manifest_parse(FIXTURE_MANIFEST, &fixture->job.manifest, &error));
    fixture->job.external_id = alloc_string("slide");
    fixture->job.attempt_id = uuid_create(&SYSTEM_CLOCK);
    fixture->job.item_id = uuid_create(&SYSTEM_CLOCK);
    fixture->job.run_id = uuid_create(&SYSTEM_CLOCK);
    job_report_init(&fixture->report);
    *state = fixture;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    JobFixture *fixture = *state;
    Error error = {0};
    objectstore_close(fixture->store);
    job_report_clear(&fixture->report);
    job_clear(&fixture->job);
    assert_true(folder_remove(fixture->folder, &error));
    alloc_free(fixture->scratch);
    alloc_free(fixture);
    return 0;
}
