// The grammar of service names. A name is also a Compose project, a folder, an argument and a DNS label: none of them
// needs quoting.
export const SERVICE_NAME = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;
