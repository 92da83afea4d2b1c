// Where items come from: the resource and the instrumentation scope they were recorded under.

/// The resource of one ResourceSpans, ResourceMetrics or ResourceLogs.
package struct ResourceView: ~Escapable {
  private let message: MessageView
  /// The position of the envelope in its request: changes exactly when the next resource begins.
  package let index: Int
  /// The schema of the resource's attributes, from the envelope.
  package let schemaURL: TextView
  /// The Resource message on the wire, without the schema URL; empty when the envelope has no resource.
  package let bytes: Span<UInt8>

  @_lifetime(copy bytes, copy schemaURL)
  init(_ bytes: Span<UInt8>, schemaURL: TextView, index: Int) {
    message = MessageView(bytes, .resource)
    self.bytes = bytes
    self.schemaURL = schemaURL
    self.index = index
  }

  package var attributes: AttributesView { @_lifetime(copy self) get { message.attributes(1) } }
  package var droppedAttributesCount: UInt32 { message.uint32(2) }
  /// EntityRef messages; `FlatJSON` writes them, `forEachEntityRef` visits them.
  package var entityRefs: MessagesView { @_lifetime(copy self) get { message.messages(3, .entityRef) } }

  /// The attribute `service.name`; empty when it is missing or no string.
  package var serviceName: TextView {
    @_lifetime(copy self)
    get {
      guard let value = attributes.first("service.name"), let text = value.text else {
        return TextView(bytes.extracting(0..<0))
      }
      return text
    }
  }

  package func forEachEntityRef<Failure: Error>(_ body: (EntityRefView) throws(Failure) -> Void) throws(Failure) {
    try entityRefs.forEach { (bytes) throws(Failure) in try body(EntityRefView(bytes)) }
  }
}

/// The instrumentation scope of one ScopeSpans, ScopeMetrics or ScopeLogs.
package struct ScopeView: ~Escapable {
  private let message: MessageView
  /// The position of the envelope in its request: changes exactly when the next scope begins.
  package let index: Int
  /// The schema of the items under this scope, from the envelope.
  package let schemaURL: TextView
  /// The InstrumentationScope message on the wire, without the schema URL; empty when the envelope has no scope.
  package let bytes: Span<UInt8>

  @_lifetime(copy bytes, copy schemaURL)
  init(_ bytes: Span<UInt8>, schemaURL: TextView, index: Int) {
    message = MessageView(bytes, .scope)
    self.bytes = bytes
    self.schemaURL = schemaURL
    self.index = index
  }

  package var name: TextView { @_lifetime(copy self) get { message.text(1) } }
  package var version: TextView { @_lifetime(copy self) get { message.text(2) } }
  package var attributes: AttributesView { @_lifetime(copy self) get { message.attributes(3) } }
  package var droppedAttributesCount: UInt32 { message.uint32(4) }
}

/// Which of a resource's attributes identify an entity.
package struct EntityRefView: ~Escapable {
  private let message: MessageView

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { message = MessageView(bytes, .entityRef) }

  package var schemaURL: TextView { @_lifetime(copy self) get { message.text(1) } }
  package var type: TextView { @_lifetime(copy self) get { message.text(2) } }

  package func forEachIDKey<Failure: Error>(_ body: (TextView) throws(Failure) -> Void) throws(Failure) {
    try message.messages(3, .entityRef).forEach { (bytes) throws(Failure) in try body(TextView(bytes)) }
  }

  package func forEachDescriptionKey<Failure: Error>(_ body: (TextView) throws(Failure) -> Void) throws(Failure) {
    try message.messages(4, .entityRef).forEach { (bytes) throws(Failure) in try body(TextView(bytes)) }
  }
}
