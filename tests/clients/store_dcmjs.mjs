// Reads a file, changes it, and stores it, written and packed by dcmjs: node store_dcmjs.mjs URL UID FILE
import { readFileSync } from "node:fs";
import dcmjs from "dcmjs";

const [url, uid, name] = process.argv.slice(2);
const bytes = readFileSync(name);
const data = dcmjs.data.DicomMessage.readFile(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
data.dict["00080018"].Value = [uid];
data.meta["00020003"].Value = [uid];
const { data: body, boundary } = dcmjs.utilities.message.multipartEncode([data.write()]);
const answer = await fetch(url, {
  method: "POST",
  headers: { "Content-Type": `multipart/related; type=application/dicom; boundary=${boundary}`, Accept: "application/dicom+json" },
  body,
});
console.log(JSON.stringify({ status: answer.status, body: await answer.json() }));
