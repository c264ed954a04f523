"""TLS before a port that speaks plain HTTP: passes every byte on as it came."""
import contextlib
import socket
import ssl
import threading

PIECE = 65536


class TlsFront:
    """Listens on 127.0.0.1 and leads to a port there; `clients` is the authority of certificates that
    visitors must show."""

    def __init__(self, target_port, certificate, key, clients=None):
        self.target_port = target_port
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if clients is not None:
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_REQUIRED
        self.socket = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True,
                                          do_handshake_on_connect=False)
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = self.socket.accept()
                threading.Thread(target=self.pass_on, args=(visitor,), daemon=True).start()

    def pass_on(self, visitor):
        with contextlib.suppress(OSError), visitor:
            visitor.do_handshake()
            with socket.create_connection(("127.0.0.1", self.target_port)) as target:
                threading.Thread(target=self.pump, args=(target, visitor), daemon=True).start()
                self.pump(visitor, target)

    @staticmethod
    def pump(source, sink):
        with contextlib.suppress(OSError):
            while True:
                piece = source.recv(PIECE)
                if not piece:
                    break
                sink.sendall(piece)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def stop(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(10)
