// A socket.io server on loopback. usage: node socket_io_app.mjs; prints {"event":"ready","port":…}, and who comes and goes.
import { createServer } from "http";
import { createRequire } from "module";

const { Server } = createRequire(process.cwd() + "/")("socket.io");
const server = createServer();
const io = new Server(server, { connectionStateRecovery: {}, maxHttpBufferSize: 1 << 26, cors: { origin: true } });
const say = (event, told) => console.log(JSON.stringify({ event, ...told }));

io.on("connection", (socket) => {
  say("connected", { name: socket.handshake.auth.name, transport: socket.conn.transport.name, recovered: socket.recovered });
  socket.on("echo", (value, done) => done(value));
  socket.on("join", async (room, done) => {
    await socket.join(room);
    done();
  });
  socket.on("tell", (room, from, to, done) => {
    for (let n = from; n < to; ++n) io.to(room).emit("told", room, n);
    done?.();
  });
  socket.on("ask", async (value, done) => done(await socket.emitWithAck("question", value)));
  socket.on("disconnect", (reason) => {
    say("disconnected", { name: socket.handshake.auth.name, reason });
    // What the room hears while somebody is away.
    if (socket.handshake.auth.name === "traveller") for (let n = 5; n < 10; ++n) io.to("home").emit("told", "home", n);
  });
});
server.listen(0, "127.0.0.1", () => say("ready", { port: server.address().port }));
