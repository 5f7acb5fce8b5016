import { expect, test } from "vitest";
import { trafficOf } from "./metrics";

const TEXT = `# HELP x
careplan_http_request_seconds_bucket{le="0.1",method="GET",route="/a",service="intake",status="200"} 9.0
careplan_http_request_seconds_count{method="GET",route="/a",service="intake",status="200"} 3.0
careplan_http_request_seconds_sum{method="GET",route="/a",service="intake",status="200"} 0.5
careplan_http_request_seconds_count{method="GET",route="/b",service="intake",status="503"} 1.0
careplan_http_request_seconds_sum{method="GET",route="/b",service="intake",status="503"} 1.5e-1
careplan_http_request_seconds_count{method="GET",route="/c",service="generator",status="200"} 2.0
other_total 7.0`;

test("sums up what each service answered", () =>
  expect(trafficOf(TEXT)).toEqual([
    { service: "generator", requests: 2, errors: 0, seconds: 0 },
    { service: "intake", requests: 4, errors: 1, seconds: 0.65 },
  ]));
