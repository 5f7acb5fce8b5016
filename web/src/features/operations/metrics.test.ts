import { expect, test } from "vitest";
import { figuresOf, withThroughput } from "./metrics";

const TEXT = `# HELP x
careplan_http_request_seconds_bucket{le="0.1",method="GET",route="/a",service="intake",status="200"} 9.0
careplan_http_request_seconds_count{method="GET",route="/a",service="intake",status="200"} 3.0
careplan_http_request_seconds_sum{method="GET",route="/a",service="intake",status="200"} 0.5
careplan_http_request_seconds_count{method="GET",route="/b",service="intake",status="503"} 1.0
careplan_http_request_seconds_sum{method="GET",route="/b",service="intake",status="503"} 1.5e-1
careplan_kafka_lag{service="intake",topic="a"} 2.0
careplan_kafka_lag{service="intake",topic="b"} 3.0
careplan_events_handled_total{service="intake"} 100.0
careplan_dead_letters_waiting{service="generator"} 1.0
careplan_jobs_waiting{service="generator"} 4.0
careplan_database_up{service="generator"} 0.0
other_total 7.0`;

const at = (moment: number, handled: number) => ({ at: moment, services: figuresOf(TEXT).map((figures) => ({ ...figures, handled })) });

test("sums up what each service says", () =>
  expect(figuresOf(TEXT)).toMatchObject([
    { service: "generator", isUp: false, deadLetters: 1, jobs: 4, requests: 0 },
    { service: "intake", isUp: true, lag: 5, handled: 100, jobs: null, requests: 4, errors: 1, seconds: 0.65 },
  ]));

test("throughput is what was handled since the last look", () => {
  expect(withThroughput(at(5_000, 100), at(0, 50)).services[0]?.perSecond).toBe(10);
  expect(withThroughput(at(5_000, 100), undefined).services[0]?.perSecond).toBeNull();
});

test("a service that was started again has no throughput yet", () =>
  expect(withThroughput(at(5_000, 3), at(0, 50)).services[0]?.perSecond).toBeNull());
