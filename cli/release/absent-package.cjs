// Stands where a package is that the agent never calls.
const absent = () => {
  throw new TypeError('this package is not part of the bundle');
};
module.exports = { Client: absent, loadSync: absent, load: absent, Server: absent };
