// A page that needs the phone alone.
import { Phone, type PhoneOptions } from "wrtcgw/phone";

const options: PhoneOptions = { gateway: "https://gateway.example.com", name: undefined };
new Phone(options).on("incoming", (call) => void call.answer());
