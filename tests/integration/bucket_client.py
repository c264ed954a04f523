"""An organisation's upload bucket as its clients see it: the name and the key that /v1/me gives, boto3 with
them, and what the platform keeps of it.
"""
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

import harness
import s3_signer

PREFIX = "aignostics_bucket_"


class Bucket:
    """Of one organisation."""

    def __init__(self, platform, organization="hospital", endpoint=None):
        me = platform.client(f"user of {organization}", organization).get("/me").json()["organization"]
        self.platform = platform
        self.organization = organization
        self.name = me[PREFIX + "name"]
        self.access_key_id = me[PREFIX + "hmac_access_key_id"]
        self.secret = me[PREFIX + "hmac_secret_access_key"]
        self.s3 = self.client(endpoint or platform.object_url)
        self.signer = s3_signer.Signer(platform.object_url, self.access_key_id, self.secret)

    def client(self, endpoint, **options):
        """As the reference's own client makes one."""
        return boto3.client(
            "s3", endpoint_url=endpoint, region_name="EUROPE-WEST3", aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret, verify=options.pop("verify", None),
            config=Config(signature_version="s3v4", proxies={}, read_timeout=60,
                          retries={"total_max_attempts": 1}, **options))

    def url(self, method, key, seconds=3600, endpoint=None, **parameters):
        client = self.client(endpoint) if endpoint else self.s3
        return client.generate_presigned_url(
            method, Params={"Bucket": self.name, "Key": key, **parameters}, ExpiresIn=seconds)

    def put(self, key, body, **parameters):
        return self.s3.put_object(Bucket=self.name, Key=key, Body=body, **parameters)

    def get(self, key, **parameters):
        return self.s3.get_object(Bucket=self.name, Key=key, **parameters)["Body"].read()

    def keys(self, **parameters):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, **parameters)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def used_bytes(self):
        with self.platform.sql() as cursor:
            cursor.execute("SELECT used_bytes FROM buckets WHERE bucket_name = %s", (self.name,))
            return cursor.fetchone()[0]

    def files(self):
        """The files in the store, by their size."""
        return harness.sizes_in(self.platform.folder / "objects/buckets" / self.name)


def refusal(call, *arguments, **options):
    """(code, HTTP status) of the error that the call ends with."""
    try:
        call(*arguments, **options)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return None
