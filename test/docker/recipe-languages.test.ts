// PHP, Ruby and Go by their recipes, on stand-ins of the languages' images (images/languages.sh). Nothing is fetched:
// what the projects depend on lies in the repository or comes with the language.
import t from 'tap';
import { ensureLanguages, requireDocker } from '../support/docker.ts';
import { askRecipe, startRecipe } from '../support/recipe-host.ts';

/** A front controller that gets every path, an extension, and a package that Composer has to put in its place. */
const PHP_PROJECT = {
  'composer.json': JSON.stringify({
    repositories: [{ type: 'path', url: 'packages/*' }, { 'packagist.org': false }],
    require: { 'ext-exif': '*', 'shop/words': '*' },
  }),
  'packages/words/composer.json': JSON.stringify({
    name: 'shop/words',
    version: '1.0.0',
    autoload: { 'psr-4': { 'Shop\\': 'src/' } },
  }),
  'packages/words/src/Words.php': `<?php
namespace Shop;
class Words {
  public static function all(): string {
    $extensions = array_filter(['exif', 'mysqli', 'pdo_mysql'], 'extension_loaded');
    return implode(' ', [$_SERVER['REQUEST_URI'], ...$extensions, getenv('GREETING'), posix_getuid()]);
  }
}
`,
  'public/index.php': `<?php
require __DIR__ . '/../vendor/autoload.php';
echo Shop\\Words::all();
`,
  'public/.htaccess': `RewriteEngine On
RewriteCond %{REQUEST_FILENAME} !-f
RewriteRule ^ index.php [L]
`,
};

const RUBY_PROJECT = {
  Gemfile: `gem 'puma'
gem 'rack'
gem 'words', path: 'gems/words'
`,
  'gems/words/words.gemspec': `Gem::Specification.new do |gem|
  gem.name = 'words'
  gem.version = '1.0.0'
  gem.summary = 'Words'
  gem.authors = ['Shop']
  gem.files = ['lib/words.rb']
end
`,
  'gems/words/lib/words.rb': `WORDS = [ENV['RACK_ENV'], ENV['GREETING'], Process.uid].join(' ')
`,
  'config.ru': `require 'words'
run ->(_) { [200, { 'content-type' => 'text/plain' }, [WORDS]] }
`,
};

/** Without net/http, which takes twice as long to compile. */
const GO_PROJECT = {
  'go.mod': 'module example.com/shop\n\ngo 1.18\n',
  'words.txt': 'beside it',
  'cmd/server/main.go': `package main

import (
	"bufio"
	"fmt"
	"net"
	"os"

	"example.com/shop/words"
)

func main() {
	listener, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
	for err == nil {
		var caller net.Conn
		if caller, err = listener.Accept(); err == nil {
			bufio.NewReader(caller).ReadString('\\n')
			text := words.All()
			fmt.Fprintf(caller, "HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s", len(text), text)
			caller.Close()
		}
	}
}
`,
  'words/words.go': `package words

import (
	"fmt"
	"os"
)

func All() string {
	file, _ := os.ReadFile("words.txt")
	return fmt.Sprint(string(file), " ", os.Getenv("GREETING"), " ", os.Getuid())
}
`,
};

const variables = { GREETING: 'good day' };

void t.test('recipes of languages', async (t) => {
  if (!(await requireDocker(t))) return;
  await ensureLanguages();

  await t.test('PHP: Apache serves public/ as www-data, with extensions and a package by Composer', async (t) => {
    const { host } = await startRecipe(t, PHP_PROJECT, { variables });
    const page = { status: 200, text: '/orders/7 exif mysqli pdo_mysql good day 33' };
    t.strictSame(await askRecipe(host, '/orders/7'), page, 'rewritten to the front controller');
    t.equal((await askRecipe(host, '/.htaccess')).status, 403);
  });

  await t.test('Ruby: Puma runs config.ru with the gems of the Gemfile', async (t) => {
    const { host } = await startRecipe(t, RUBY_PROJECT, { variables });
    t.strictSame(await askRecipe(host), { status: 200, text: 'production good day 1000' });
  });

  await t.test('Go: the program of cmd/ runs where the files of its repository are', async (t) => {
    const { host } = await startRecipe(t, GO_PROJECT, { variables });
    t.strictSame(await askRecipe(host), { status: 200, text: 'beside it good day 1000' });
  });
});
