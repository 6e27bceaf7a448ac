/** A region of Google Cloud, where it is on the globe, and the letters of its zones. */
export interface Region {
  readonly name: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly zones: string;
}

/**
 * Regions of Compute Engine (cloud.google.com/compute/docs/regions-zones), by the city that Google names. The position in
 * this list is part of every address (./addresses.ts): append, never sort, never remove.
 */
const table: readonly (readonly [name: string, latitude: number, longitude: number, zones?: string])[] = [
  ['africa-south1', -26.2, 28],
  ['asia-east1', 24.1, 120.5],
  ['asia-east2', 22.3, 114.2],
  ['asia-northeast1', 35.7, 139.7],
  ['asia-northeast2', 34.7, 135.5],
  ['asia-northeast3', 37.6, 127],
  ['asia-south1', 19.1, 72.9],
  ['asia-south2', 28.6, 77.2],
  ['asia-southeast1', 1.4, 103.8],
  ['asia-southeast2', -6.2, 106.8],
  ['australia-southeast1', -33.9, 151.2],
  ['australia-southeast2', -37.8, 145],
  ['europe-central2', 52.2, 21],
  ['europe-north1', 60.6, 27.2],
  ['europe-north2', 59.3, 18.1],
  ['europe-southwest1', 40.4, -3.7],
  ['europe-west1', 50.5, 3.8, 'bcd'],
  ['europe-west2', 51.5, -0.1],
  ['europe-west3', 50.1, 8.7],
  ['europe-west4', 53.4, 6.8],
  ['europe-west6', 47.4, 8.5],
  ['europe-west8', 45.5, 9.2],
  ['europe-west9', 48.9, 2.4],
  ['europe-west10', 52.5, 13.4],
  ['europe-west12', 45.1, 7.7],
  ['me-central1', 25.3, 51.5],
  ['me-central2', 26.4, 50.1],
  ['me-west1', 32.1, 34.8],
  ['northamerica-northeast1', 45.5, -73.6],
  ['northamerica-northeast2', 43.7, -79.4],
  ['northamerica-south1', 20.6, -100.4],
  ['southamerica-east1', -23.5, -46.6],
  ['southamerica-west1', -33.4, -70.7],
  ['us-central1', 41.3, -95.9, 'abcf'],
  ['us-east1', 33.2, -80, 'bcd'],
  ['us-east4', 39, -77.5],
  ['us-east5', 40, -83],
  ['us-south1', 32.8, -96.8],
  ['us-west1', 45.6, -121.2],
  ['us-west2', 34.1, -118.2],
  ['us-west3', 40.8, -111.9],
  ['us-west4', 36.2, -115.1],
];

export const regions: readonly Region[] = table.map(([name, latitude, longitude, zones = 'abc']) => ({
  name,
  latitude,
  longitude,
  zones,
}));

/** The region of that name and its place in the list; the configuration has refused all others. */
export function regionOf(name: string): Region & { readonly slot: number } {
  const slot = regions.findIndex((region) => region.name === name);
  const region = regions[slot];
  if (region === undefined) throw new Error(`"${name}" is no region that infra/src/plan/regions.ts knows`);
  return { ...region, slot };
}

/** "northamerica-northeast1" is "nane1": at most five characters, for names that Google keeps to thirty. */
export function codeOf(name: string): string {
  const [, area, direction, number] = /^([a-z]+)-([a-z]+?)(\d+)$/.exec(name) ?? [];
  if (area === undefined || direction === undefined || number === undefined)
    throw new Error(`"${name}" does not have the form of a region`);
  const areas: Readonly<Record<string, string>> = { northamerica: 'na', southamerica: 'sa' };
  const winds = direction.match(/north|south|east|west|central/g) ?? [];
  return `${areas[area] ?? area.slice(0, 2)}${winds.map((wind) => wind[0]).join('')}${number}`;
}
