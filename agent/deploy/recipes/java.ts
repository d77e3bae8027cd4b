// Java: Maven or Gradle builds, and the one jar that can be run is run.
import { copy, OWNED, type Stage } from './dockerfile.ts';
import { present } from './manifests.ts';
import type { Draft, Language, Repository } from './recipe.ts';

const VERSIONS = ['21', '25', '17', '11', '8'] as const;
const PORT = 8080;
const GRADLE_FILES = ['build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts'];

/** Where builds leave their jars. The shell's text is fixed: no name of the repository is in it. */
const keepProgram = (folder: 'target' | 'build/libs'): string[] => [
  `RUN find "$PWD" -path '*/${folder}/*.jar' ! -path '*/${folder}/*/*' -exec sh -c \\`,
  '  \'cd "$(mktemp -d)" && jar xf "$0" META-INF/MANIFEST.MF && grep -q ^Main-Class: META-INF/MANIFEST.MF \\',
  '  && cp "$0" /app/app.jar\' {} \\;',
  `RUN test -f /app/app.jar || { echo "no jar in ${folder} has a Main-Class" >&2; exit 1; }`,
];

/** Spring's setting; others read PORT themselves. */
const COMMAND = ['sh', '-c', 'exec java -Dserver.port="$PORT" -jar app.jar'];

export const java: Language = {
  name: 'Java',
  markers: ['pom.xml', ...GRADLE_FILES.slice(0, 2)],
  words: ['java', 'mvn', 'gradle'],
  draft(repository) {
    const build = repository.files.has('pom.xml') ? mavenStage(repository) : gradleStage(repository);
    if (!build) return undefined;
    const { version, stage, found } = build;
    return {
      found: [...found, `Java ${version}`],
      stages: [
        stage,
        {
          image: `eclipse-temurin:${version}-jre`,
          lines: [`COPY --from=build ${OWNED} /app /app`, 'WORKDIR /app'],
        },
      ],
      port: PORT,
      command: COMMAND,
    } satisfies Draft;
  },
};

interface Build {
  version: string;
  stage: Stage;
  found: string[];
}

/** A single module's packages are a layer of their own; several modules need each other's files. */
function mavenStage(repository: Repository): Build {
  const pom = repository.texts.get('pom.xml') ?? '';
  const version = versionOf(repository, [
    /<(?:java\.version|maven\.compiler\.(?:release|source|target)|release)>\s*(?:1\.)?(\d{1,2})\s*</.exec(pom)?.[1],
  ]);
  const isAlone = !/<modules>|<relativePath>\s*[^<\s]/.test(pom);
  const fetch = isAlone ? [copy(['pom.xml'], './'), 'RUN mvn --batch-mode dependency:go-offline'] : [];
  const lines = [
    'WORKDIR /app',
    ...fetch,
    'COPY . .',
    'RUN mvn --batch-mode package -DskipTests',
    ...keepProgram('target'),
  ];
  return {
    version,
    found: ['pom.xml (Maven)'],
    stage: { image: `maven:3.9-eclipse-temurin-${version}`, name: 'build', lines },
  };
}

/** A wrapper brings the Gradle that the build was written for. */
function gradleStage(repository: Repository): Build | undefined {
  const files = present(repository, GRADLE_FILES);
  if (files.length === 0) return undefined;
  const scripts = files.map((file) => repository.texts.get(file) ?? '').join('\n');
  const version = versionOf(repository, [
    /JavaLanguageVersion\.of\(\s*(\d{1,2})\s*\)/.exec(scripts)?.[1],
    /(?:sourceCompatibility|jvmTarget)\D{1,40}?(?:1[._])?(\d{1,2})\b/.exec(scripts)?.[1],
  ]);
  const hasWrapper =
    repository.files.has('gradlew') && repository.files.has('gradle/wrapper/gradle-wrapper.properties');
  const gradle = hasWrapper ? 'sh ./gradlew' : 'gradle';
  const lines = ['WORKDIR /app', 'COPY . .', `RUN ${gradle} --no-daemon assemble`, ...keepProgram('build/libs')];
  const image = hasWrapper ? `eclipse-temurin:${version}-jdk` : `gradle:8.14-jdk${version}`;
  return {
    version,
    found: [...files, hasWrapper ? 'gradlew' : 'Gradle 8.14'],
    stage: { image, name: 'build', lines },
  };
}

/** What system.properties says, then the build; only versions that have an image. */
function versionOf({ texts }: Repository, inBuild: (string | undefined)[]): string {
  const set = /^java\.runtime\.version\s*=\s*(?:1\.)?(\d{1,2})/m.exec(texts.get('system.properties') ?? '')?.[1];
  const asked = [set, ...inBuild].find((one) => one !== undefined);
  return VERSIONS.find((version) => version === asked) ?? VERSIONS[0];
}
