"""A gRPC server down to the frames: what a library hides can be looked at, and done wrong."""

import socket
import threading

import h2.config
import h2.connection
import h2.events


class H2Server:
    """Listens on a free port of 127.0.0.1, HTTP/2 with prior knowledge; keeps header fields and body of every request.

    Answers OK, unless `script` holds something else for the next calls: a function of the connection and the stream,
    behind which the server hangs up."""

    def __init__(self, script=()):
        self.script = list(script)
        self.requests: list[tuple[dict, bytes]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        headers, bodies = {}, {}
        with peer:
            peer.settimeout(10)
            peer.sendall(connection.data_to_send())
            while data := peer.recv(65536):
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        headers[event.stream_id], bodies[event.stream_id] = dict(event.headers), b""
                    elif isinstance(event, h2.events.DataReceived):
                        bodies[event.stream_id] += event.data
                        connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    elif isinstance(event, h2.events.StreamEnded):
                        self.requests.append((headers.pop(event.stream_id), bodies.pop(event.stream_id)))
                        if self.script:
                            self.script.pop(0)(connection, event.stream_id)
                            return peer.sendall(connection.data_to_send())
                        self._answer(connection, event.stream_id)
                peer.sendall(connection.data_to_send())

    def _answer(self, connection, stream: int):
        connection.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        connection.send_data(stream, bytes(5))
        connection.send_headers(stream, [("grpc-status", "0")], end_stream=True)

    def close(self):
        self._listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
