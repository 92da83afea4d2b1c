// Metrics of the five kinds and their data points, seen through views.

import Bytes
import Fuzzing
import OTLP
import Testing

struct MetricViewTests {
  /// The fields that every point has under its own numbers.
  static func exemplar(_ exemplar: inout Wire) {
    exemplar.field(2, fixed64: 77)
    exemplar.field(6, fixed64: UInt64(bitPattern: -9))
    exemplar.field(4, bytes: SpanViewTests.spanID)
    exemplar.field(5, bytes: SpanViewTests.traceID)
    exemplar.pair(7, "k", "v")
  }

  static func points(
    _ kind: MetricView.Kind, data: (inout Wire) -> Void = { _ in }, _ point: (inout Wire) -> Void
  ) throws -> ExportRequest {
    try ExportRequest.fixture(.metrics) { scope in
      scope.field(2) { metric in
        metric.field(1, text: "name")
        metric.field(2, text: "text")
        metric.field(3, text: "ms")
        metric.field(kind.rawValue) { message in
          message.field(1, point)
          data(&message)
        }
        metric.pair(12, "m", "d")
      }
    }
  }

  @Test("A metric tells its name, unit, kind, temporality and metadata", arguments: MetricView.Kind.allCases)
  func metric(kind: MetricView.Kind) throws {
    let request = try MetricViewTests.points(
      kind,
      data: { data in
        if kind != .gauge && kind != .summary { data.field(2, varint: 2) }
        if kind == .sum { data.field(3, varint: 1) }
      }, { $0.field(3, fixed64: 5) })
    var visits = 0
    request.forEachMetric { _, _, metric in
      #expect(metric.name == "name" && metric.description == "text" && metric.unit == "ms")
      #expect(metric.metadata.first("m")?.text?.string == "d")
      #expect(metric.kind == kind)
      #expect(metric.aggregationTemporality == (kind == .gauge || kind == .summary ? nil : 2))
      #expect(metric.isMonotonic == (kind == .sum ? true : nil))
      metric.forEachDataPoint { point in
        visits += 1
        #expect(point.kind == kind && point.timeUnixNano == 5)
      }
    }
    #expect(visits == 1)
  }

  @Test("A metric without data has no kind and no points")
  func noData() throws {
    let request = try ExportRequest.fixture(.metrics) { $0.field(2) { $0.field(1, text: "n") } }
    request.forEachMetric { _, _, metric in
      #expect(metric.kind == nil && metric.aggregationTemporality == nil && metric.isMonotonic == nil)
      metric.forEachDataPoint { _ in Issue.record("there is no point") }
    }
  }

  @Test("A number point keeps the type of its value")
  func numberPoint() throws {
    let request = try MetricViewTests.points(.sum) { point in
      point.field(2, fixed64: 1)
      point.field(3, fixed64: 2)
      point.field(6, fixed64: UInt64(bitPattern: .min))
      point.field(5, MetricViewTests.exemplar)
      point.pair(7, "a", "b")
      point.field(8, varint: 1)
    }
    request.forEachMetric { _, _, metric in
      metric.forEachDataPoint { point in
        #expect(point.startTimeUnixNano == 1 && point.timeUnixNano == 2 && point.flags == 1)
        #expect(point.value == .int(.min))
        #expect(point.attributes.first("a")?.text?.string == "b")
        #expect(point.count == nil && point.sum == nil && point.scale == nil && point.bucketCounts.isEmpty)
        #expect(point.exemplars.count == 1)
        point.forEachExemplar { exemplar in
          #expect(exemplar.timeUnixNano == 77 && exemplar.value == .int(-9))
          #expect(exemplar.spanID.count == 8 && exemplar.traceID.count == 16)
          #expect(exemplar.filteredAttributes.first("k")?.text?.string == "v")
        }
      }
    }
  }

  @Test("A point without a value differs from one with zero, and the last member counts")
  func numberPresence() throws {
    let variants: [((inout Wire) -> Void, NumberValue?)] = [
      ({ _ in }, nil), ({ $0.field(6, fixed64: 0) }, .int(0)), ({ $0.field(4, double: 0) }, .double(0)),
      (
        {
          $0.field(6, fixed64: 1)
          $0.field(4, double: 2)
        }, .double(2)
      ),
    ]
    for (build, expected) in variants {
      let request = try MetricViewTests.points(.gauge, build)
      request.forEachMetric { _, _, metric in metric.forEachDataPoint { #expect($0.value == expected) } }
    }
  }

  @Test("A histogram point reads packed, unpacked and mixed counts")
  func histogramPoint() throws {
    let request = try MetricViewTests.points(.histogram) { point in
      point.field(4, fixed64: 6)
      point.field(5, double: 1.5)
      point.field(6, fixed64: 1)
      point.field(6) { packed in
        packed.raw(fixed64: 2)
        packed.raw(fixed64: .max)
      }
      point.field(7, double: -0.5)
      point.field(7) { $0.raw(fixed64: Double.infinity.bitPattern) }
      point.field(8, MetricViewTests.exemplar)
      point.pair(9, "a", "b")
      point.field(10, varint: 1)
      point.field(11, double: 0)
    }
    request.forEachMetric { _, _, metric in
      metric.forEachDataPoint { point in
        var counts: [UInt64] = []
        var bounds: [Double] = []
        point.bucketCounts.forEachUInt64 { counts.append($0) }
        point.explicitBounds.forEachDouble { bounds.append($0) }
        #expect(counts == [1, 2, .max] && bounds == [-0.5, .infinity])
        #expect(point.count == 6 && point.sum == 1.5 && point.min == 0 && point.max == nil)
        #expect(point.attributes.count == 1 && point.flags == 1 && point.exemplars.count == 1)
        #expect(point.value == nil && point.scale == nil)
      }
    }
  }

  @Test("An exponential histogram point tells scale, zero bucket and both sides")
  func exponentialPoint() throws {
    let request = try MetricViewTests.points(.exponentialHistogram) { point in
      point.pair(1, "a", "b")
      point.field(4, fixed64: 9)
      point.field(6, varint: 5)  // zigzag of -3
      point.field(7, fixed64: 2)
      point.field(8) { buckets in
        buckets.field(1, varint: 4)  // zigzag of 2
        buckets.field(2, bytes: [3, 0xac, 0x02])
        buckets.field(2, varint: 4)
      }
      point.field(10, varint: 1)
      point.field(11, MetricViewTests.exemplar)
      point.field(12, double: -1)
      point.field(13, double: 1)
      point.field(14, double: 1e-9)
    }
    request.forEachMetric { _, _, metric in
      metric.forEachDataPoint { point in
        #expect(point.scale == -3 && point.zeroCount == 2 && point.zeroThreshold == 1e-9)
        #expect(point.count == 9 && point.sum == nil && point.min == -1 && point.max == 1)
        #expect(point.attributes.count == 1 && point.flags == 1 && point.exemplars.count == 1)
        var counts: [UInt64] = []
        if let positive = point.positive {
          #expect(positive.offset == 2)
          positive.bucketCounts.forEachUInt64 { counts.append($0) }
        }
        #expect(counts == [3, 300, 4])
        if point.negative != nil { Issue.record("the negative side was not written") }
      }
    }
  }

  @Test("A summary point tells its quantiles, and always a sum")
  func summaryPoint() throws {
    let request = try MetricViewTests.points(.summary) { point in
      point.field(4, fixed64: 3)
      point.field(6) { pair in
        pair.field(1, double: 0.5)
        pair.field(2, double: 12)
      }
      point.field(6) { $0.field(1, double: 1) }
      point.pair(7, "a", "b")
      point.field(8, varint: 1)
    }
    request.forEachMetric { _, _, metric in
      metric.forEachDataPoint { point in
        var pairs: [[Double]] = []
        point.forEachQuantile { pairs.append([$0, $1]) }
        #expect(pairs == [[0.5, 12], [1, 0]])
        #expect(point.count == 3 && point.sum == 0 && point.flags == 1 && point.attributes.count == 1)
        #expect(point.exemplars.isEmpty && point.value == nil)
      }
    }
  }
}
