/** Of the dashboard, which is built and released with the service. */
declare const __VERSION__: string;
