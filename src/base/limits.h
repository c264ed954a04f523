/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every bound of the platform with its reason. A loop, queue, body, page, retry or wait without a
 * bound from here is a defect.
 */
#pragma once

/* JSON deeper than this is refused: no contract document is deeper than 12. */
#define JSON_DEPTH_MAX 32
/* A request body: 10,000 items of about 1 KiB each. */
#define REQUEST_BODY_BYTES_MAX (16L * 1024 * 1024)
/* Values of a body, or of one item of a run: a tree takes fifty times the bytes of "[],[],…". */
#define SENT_VALUES_MAX 100000
/* A rendered answer: 100 items with their artifacts need about 1 MiB. */
#define RESPONSE_BYTES_MAX (32L * 1024 * 1024)
/* A request line with its query: the longest filter has 1,000 characters of at most 12 bytes. Much
 * longer ones are refused by libmicrohttpd's connection memory. */
#define REQUEST_URL_BYTES_MAX 16384
/* A bearer token: real ones have 1–2 KiB. */
#define TOKEN_BYTES_MAX 8192
/* Items of one run: what one statement can insert within its time limit. */
#define RUN_ITEMS_MAX 10000
/* Shares of organisations differ by three orders of magnitude at most; as in SQL's table. */
#define ORGANIZATION_WEIGHT_MAX 1000
/* Length of external_id and of download_url, from the contract. */
#define EXTERNAL_ID_CHARACTERS_MAX 255
#define DOWNLOAD_URL_BYTES_MAX 2083
/* Pages of a list, from the contract. */
#define PAGE_SIZE_DEFAULT 50
#define PAGE_SIZE_MAX 100
/* Pages that a client of ours fetches of one list. */
#define PAGE_MAX 100000
/* The last page of a list, and every one behind it: nobody has so many rows, and PostgreSQL skips
 * only those that there are. */
#define PAGE_NUMBER_MAX 1000000000000000L
/* A JSONPath filter, from the contract. */
#define JSONPATH_CHARACTERS_MAX 1000
/* custom_metadata of a run or an item, and callback_context (the latter from the contract). */
#define CUSTOM_METADATA_BYTES_MAX (64L * 1024)
/* Values in one of them, nested ones included. PostgreSQL does not look at its clock while it
 * compares each item of one list with each of another: half of these with the other half takes it
 * 0.1 s. */
#define CUSTOM_METADATA_VALUES_MAX 5000
#define CALLBACK_CONTEXT_BYTES_MAX 1024
/* Decimals of a number in one of them, counted as in 1e-3, which has three, and its exponent: what
 * PostgreSQL's jsonb can hold. */
#define NUMBER_DECIMALS_MAX 16383
#define NUMBER_EXPONENT_MAX 1000000000L
/* An Idempotency-Key: a UUID has 36 characters. */
#define IDEMPOTENCY_KEY_CHARACTERS_MAX 255
/* Fields that one list may be sorted by. */
#define SORT_FIELDS_MAX 8
/* Values of one repeated query parameter. */
#define QUERY_VALUES_MAX 100
/* An application's manifest, its input and output descriptions. */
#define MANIFEST_BYTES_MAX (1024L * 1024)
/* A schema of an application: objects that are schemas in it. he-tme's has about 30. */
#define SCHEMA_NODES_MAX 50000
/* Schemas inside one another, and the levels of a check: a value has at most JSON_DEPTH_MAX. */
#define SCHEMA_DEPTH_MAX 200
/* A URI in a schema. */
#define URI_BYTES_MAX 2048
/* A pattern of a schema, all patterns of one schema when compiled, and the backtracking of one
 * match: 100,000 steps take a few milliseconds. */
#define SCHEMA_PATTERN_BYTES_MAX 4096
#define SCHEMA_PATTERNS_BYTES_MAX (1024L * 1024)
#define SCHEMA_MATCH_STEPS_MAX 100000
/* Steps of one check: a schema of SCHEMA_NODES_MAX can be checked itself, in less than a second. */
#define SCHEMA_STEPS_MAX 2000000L
/* Steps for the inputs of one run: 10,000 items with a schema like he-tme's take half a million. */
#define RUN_CHECK_STEPS_MAX 20000000L
/* Versions whose rules for inputs are kept compiled; the one that was learned first goes. */
#define INPUT_RULES_CACHED_MAX 256
/* Problems that one collector keeps. */
#define SCHEMA_PROBLEMS_MAX 100
/* Documents of one version, and the size of each: manuals have some MB. */
#define DOCUMENTS_PER_VERSION_MAX 64
#define DOCUMENT_BYTES_MAX (256L * 1024 * 1024)
/* Artifacts of one item; he-tme declares 12. */
#define ARTIFACTS_PER_ITEM_MAX 64
/* The tail of an application's log that is kept with its attempt. */
#define LOG_TAIL_BYTES_MAX 4096
/* One field of an error message shown to a client. */
#define ERROR_MESSAGE_SHOWN_MAX 400
/* A slide's sides at any level: scanners stay below 300,000 px. */
#define SLIDE_SIDE_PX_MAX 1000000
/* Levels and directories of a slide file: real pyramids have at most 12 levels. */
#define SLIDE_LEVELS_MAX 16
#define SLIDE_DIRECTORIES_MAX 64
/* Tiles of one level, which are counted in 32 bits: sides of 1,000,000 px in tiles of 128 px. */
#define SLIDE_TILES_MAX (64L * 1024 * 1024)
/* A slide's other images (thumbnail, label, macro) that are listed, and its properties. */
#define SLIDE_ASSOCIATED_MAX 8
#define SLIDE_PROPERTIES_MAX 8
#define SLIDE_PROPERTY_BYTES 64
/* The side of one tile; real ones have 240 to 4096 px. */
#define SLIDE_TILE_SIDE_PX_MAX 4096
/* One compressed tile, or any other single block that a slide file asks for. */
#define SLIDE_BLOCK_BYTES_MAX (64L * 1024 * 1024)
/* Frames of one DICOM instance, its tiles in each focal plane and optical path: 130 Gpx in tiles of
 * 256 px. Some 20 bytes are kept for each. */
#define DICOM_FRAMES_MAX 2000000
/* Of a whole series: a pyramid has a third more than its finest level. */
#define DICOM_SERIES_FRAMES_MAX (2 * DICOM_FRAMES_MAX)
/* Images of a series: some 12 levels, thumbnail, label, overview. */
#define DICOM_INSTANCES_MAX 24
/* Data elements of a file: 30 for each frame of a sparse level. */
#define DICOM_ELEMENTS_MAX (64L * 1024 * 1024)
/* Fragments of one frame; real ones have one. */
#define DICOM_FRAGMENTS_MAX 1024
/* Entries of a zip archive, and files of a folder: a series has some 20, other series may lie
 * beside it. Their central directory has some 100 bytes each. */
#define ZIP_ENTRIES_MAX 4096
#define ZIP_DIRECTORY_BYTES_MAX (4L * 1024 * 1024)
/* An entry's inflated size, and how many times its stored one it may be. Images that are already
 * compressed do not shrink; the white of uncompressed ones shrinks 1,000 times, tissue 2 times.
 * Small files may be whatever they like. */
#define ZIP_ENTRY_BYTES_MAX (128LL * 1024 * 1024 * 1024)
#define ZIP_RATIO_MAX 200
#define ZIP_ENTRY_BYTES_FREE (16L * 1024 * 1024)
/* Decoded tiles kept by one open slide. */
#define SLIDE_CACHE_BYTES_MAX (16L * 1024 * 1024)
/* Pixels of one region read at once, and of an image that is kept whole. */
#define SLIDE_REGION_PX_MAX (64L * 1024 * 1024)
/* Bodies up to this size are bound on the loop (about 4 ms), larger ones on the pool. */
#define BODY_INLINE_BYTES_MAX (256L * 1024)
/* How often one request is bound again because its statement told what bind did not know. */
#define LEARNINGS_MAX 3
/* Bodies that one shard holds at once; more are answered 503. */
#define SHARD_BODIES_BYTES_MAX (64L * 1024 * 1024)
/* Parameters in one query string: a few lists of QUERY_VALUES_MAX. */
#define QUERY_PARAMETERS_MAX 256
/* Connections of one shard: each holds up to 32 KiB while it reads a request. */
#define SHARD_CONNECTIONS_MAX 1024
/* A connection that is silent for so long is closed. */
#define CONNECTION_IDLE_SECONDS 60
/* Requests of a shard that wait for a database connection; more are answered 503. */
#define SHARD_QUEUE_MAX 1024
/* Of these, searches of one caller. */
#define CALLER_SEARCHES_MAX 16
/* A request that waited so long for a connection is answered 503: its caller has given up. */
#define QUEUE_WAIT_SECONDS_MAX 8
/* A database connection that sent more than this in one statement is opened anew after it, since
 * its buffer would stay: runs of some thousand items need more. */
#define LINK_KEPT_BYTES_MAX (2L * 1024 * 1024)
/* What a full queue or a missing database tells its callers. */
#define RETRY_AFTER_SECONDS 1
/* In-flight requests have so long to finish after SIGTERM. */
#define STOP_SECONDS_MAX 5
/* Statement time limits in milliseconds: a search is written by its caller. */
#define STATEMENT_MILLISECONDS_MAX 10000
/* PostgreSQL ends a statement itself; one that says nothing for longer than this hangs. */
#define DATABASE_SILENCE_MILLISECONDS_MAX (STATEMENT_MILLISECONDS_MAX + 2000)
#define SEARCH_MILLISECONDS_MAX 2000
/* What a scrape of /metrics waits for the database: Prometheus itself gives up after 10 s. */
#define SCRAPE_WAIT_MILLISECONDS_MAX 3000
/* Organisations that metrics tell apart, those with the longest queues. */
#define METRIC_ORGANIZATIONS_MAX 100
/* An object's key: three UUIDs, a file name and separators. */
#define OBJECT_KEY_BYTES_MAX 1024
/* An uploaded object: the largest slides have some tens of GB. */
#define OBJECT_BYTES_MAX (128LL * 1024 * 1024 * 1024)
/* A JWKS: providers publish two or three keys of 1–2 KiB. */
#define JWKS_BYTES_MAX (64L * 1024)
/* Pixels of a class map: one of 31 M covers a slide of 5 cm2 at 4 microns a pixel. */
#define CLASS_MAP_PX_MAX (64L * 1024 * 1024)
/* Cells of one slide, about 220 bytes of disk each, and 16 of memory for the readouts: 5 cm2 of the
 * densest tissue have some 4 million. */
#define CELLS_MAX 8000000
/* Threads of one analysis: each has its own buffers of some 85 MiB. */
#define ANALYSIS_THREADS_MAX 64
/* Rows of queue positions that the leader writes at once; those that are left are written a second
 * later. */
#define POSITIONS_WRITTEN_MAX 5000
/* An array of the ids of all organisations that wait, or of so many curves of 500 bytes. */
#define QUEUE_ARRAY_BYTES_MAX (32L * 1024 * 1024)
