// Stores files with dicomweb-client: node store_dicomweb_client.mjs URL [TOKEN] -- FILE...
import { readFileSync } from "node:fs";
import XMLHttpRequest from "xhr2";

globalThis.XMLHttpRequest = XMLHttpRequest;
const { default: client, api } = await import("dicomweb-client");
const { DICOMwebClient } = api ?? client.api;

const split = process.argv.indexOf("--");
const [url, token] = process.argv.slice(2, split);
const headers = token ? { Authorization: `Bearer ${token}` } : {};
const datasets = process.argv.slice(split + 1).map((name) => {
  const bytes = readFileSync(name);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
});
try {
  const answer = await new DICOMwebClient({ url, headers }).storeInstances({ datasets });
  console.log(typeof answer === "string" ? answer : JSON.stringify(answer ?? null));
} catch (error) {
  console.log(JSON.stringify({ status: error.status, message: error.message }));
  process.exitCode = 1;
}
