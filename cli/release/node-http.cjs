// Node's http by require. An import asks for every export by name, one of them is a getter that loads undici and HTTP/2,
// and that is 14 MB.
module.exports = require('http');
