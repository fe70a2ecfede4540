// What the gRPC server and client of the tests share.
import { dirname, join } from "path";
import { fileURLToPath } from "url";
import { load } from "./conversation.mjs";

export const grpc = (await load("@grpc/grpc-js")).default;
const loader = (await load("@grpc/proto-loader")).default;
const definition = loader.loadSync(join(dirname(fileURLToPath(import.meta.url)), "echo.proto"), { keepCase: true, defaults: true });
export const { Echo } = grpc.loadPackageDefinition(definition).tunneltest;

/** As large as a message needs to be for 4 MiB and a bit. */
export const sizes = { "grpc.max_receive_message_length": 16 << 20, "grpc.max_send_message_length": 16 << 20 };
